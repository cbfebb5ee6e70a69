// Neighbour: duplicate_address.h.
#include "ip/duplicate_address.h"

#include <algorithm>
#include <cstring>

namespace millrace::ip {

namespace {

// RFC 4862 §5.4.2 and RFC 5227 §2.1.1 have the first probe wait for up to a second, so that hosts which
// start together do not all speak at once. A written deviation: a tenth of it.
constexpr int64_t kMostDelay = 100'000;
constexpr Micros kRetry = 1ms;  // when there was no room

}  // namespace

Instant DuplicateAddresses::first_probe(Instant now) const {
  return now + Micros(static_cast<int64_t>(entropy_.next() % kMostDelay));
}

uint32_t DuplicateAddresses::probes_for(LocalId id) const {
  return local_.at(id).is_v4() ? params_.arp_probes : params_.dup_addr_detect_transmits;
}

[[gnu::cold]] void DuplicateAddresses::begin(bool speaks, Instant now) {
  speaks_ = speaks;
  for (LocalId id = 0; id < local_.prefixes().size(); ++id)
    if (probes_for(id) != 0) enter(id, AddressState::Tentative);
  if (speaks) resume(now);
}

[[gnu::cold]] void DuplicateAddresses::resume(Instant now) {
  checks_.clear();
  if (local_.tentative() == 0) return;
  const Instant first = first_probe(now);
  for (LocalId id = 0; id < local_.prefixes().size(); ++id)
    if (local_.state(id) == AddressState::Tentative)
      checks_.push_back({.id = id, .probes = probes_for(id), .at = first, .nonce = draw_nonce()});
}

wire::NdNonce DuplicateAddresses::draw_nonce() const {
  const uint64_t drawn = entropy_.next();
  wire::NdNonce nonce;
  std::memcpy(nonce.data(), &drawn, nonce.size());
  return nonce;
}

void DuplicateAddresses::enter(LocalId id, AddressState state) {
  local_.set_state(id, state);
  counters_.addresses_tentative.set(local_.tentative());
  if (state != AddressState::Duplicate) return;
  given_up_ = true;
  if (speaks_) counters_.addresses_duplicate.add();
}

void DuplicateAddresses::forget(LocalId id) {
  std::erase_if(checks_, [&](const Check& check) { return check.id == id; });
}

// RFC 4862 §5.4.3 to §5.4.5, RFC 5227 §2.1.1: it is not used.
[[gnu::cold]] void DuplicateAddresses::conflict(const IpAddress& address) {
  counters_.address_conflicts.add();
  const LocalId id = local_.number_of(address);
  forget(id);
  enter(id, AddressState::Duplicate);
  news_.tell({.kind = LinkNews::Kind::Address, .state = AddressState::Duplicate, .address = address});
}

bool DuplicateAddresses::is_own_probe(const wire::NdMessage& message) const {
  return message.nonce && std::any_of(checks_.begin(), checks_.end(), [&](const Check& check) {
           return check.nonce == *message.nonce && local_.at(check.id) == message.target;
         });
}

[[gnu::cold]] void DuplicateAddresses::learn(const LinkNews& news) {
  const LocalId id = local_.number_of(news.address);
  if (id == kNoLocal || local_.state(id) == news.state) return;
  // News may cross: whoever has heard an objection is right.
  if (news.state == AddressState::Preferred && local_.state(id) != AddressState::Tentative) return;
  if (news.state == AddressState::Duplicate) forget(id);
  enter(id, news.state);
}

bool DuplicateAddresses::probe(Check& check, Instant now, PacketBatch& out) {
  if (!messages_.probe(local_.at(check.id), check.nonce, out)) {
    check.at = now + kRetry;
    return false;
  }
  --check.probes;
  check.at = now + params_.retransmit;
  return true;
}

// A probe for which there is no room goes a little later: nothing is taken for unique unasked.
[[gnu::cold]] bool DuplicateAddresses::expire_checks(Instant now, PacketBatch& out) {
  bool used = false;
  for (size_t i = 0; i < checks_.size();) {
    Check& check = checks_[i];
    if (check.at > now) {
      ++i;
    } else if (check.probes != 0) {
      if (!probe(check, now, out)) break;
      ++i;
    } else {
      const LocalId id = check.id;
      checks_.erase(checks_.begin() + static_cast<ptrdiff_t>(i));
      enter(id, AddressState::Preferred);
      news_.tell({.kind = LinkNews::Kind::Address, .address = local_.at(id)});
      used = true;
    }
  }
  return used;
}

Instant DuplicateAddresses::next_deadline() const {
  Instant deadline = kNever;
  for (const Check& check : checks_) deadline = earlier(deadline, check.at);
  return deadline;
}

}  // namespace millrace::ip
