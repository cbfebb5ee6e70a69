// Neighbour: router_discovery.h.
#include "ip/router_discovery.h"

#include <algorithm>

#include "ip/link_messages.h"

namespace millrace::ip {

namespace {

constexpr Micros kSolicitationDelay = 1s;     // RFC 4861 §10 MAX_RTR_SOLICITATION_DELAY
constexpr Micros kSolicitationInterval = 4s;  // RFC 4861 §10 RTR_SOLICITATION_INTERVAL
constexpr unsigned kSolicitations = 3;        // RFC 4861 §10 MAX_RTR_SOLICITATIONS
constexpr Micros kRetry = 100ms;              // while there is no address to ask from, or no room
constexpr uint16_t kLeastMtu = 1280;          // RFC 8200 §5
// What a router may set, whatever it says: others would have us ask without pause, or never.
constexpr int64_t kLeastReachable = 1000, kMostReachable = 3'600'000;  // RFC 4861 §6.2.1
constexpr int64_t kLeastRetransmit = 100, kMostRetransmit = 10'000;

std::optional<Micros> within(uint32_t milliseconds, int64_t least, int64_t most) {
  return Micros(std::clamp<int64_t>(milliseconds, least, most) * 1000);
}

Instant end_of(uint32_t seconds, Instant now) {
  return seconds == wire::kInfiniteLifetime ? kNever : now + Micros(int64_t{seconds} * 1'000'000);
}

}  // namespace

RouterDiscovery::RouterDiscovery(const InterfaceParams& interface, const NeighborParams& params,
                                 const LocalAddresses& local, Routes& routes, NeighborTable& neighbors,
                                 PacketPool& pool, Entropy& entropy, Counters& counters)
    : interface_(interface),
      params_(params),
      local_(local),
      routes_(routes),
      neighbors_(neighbors),
      pool_(pool),
      entropy_(entropy),
      counters_(counters) {}

[[gnu::cold]] void RouterDiscovery::begin(Instant now) {
  if (!params_.router_discovery || local_.number_of(link_local_address(interface_.mac)) == kNoLocal) return;
  solicitations_ = kSolicitations;
  solicit_at_ = now + Micros(static_cast<int64_t>(entropy_.next() % kSolicitationDelay.count()));
  rearm();
}

bool RouterDiscovery::receive(const wire::Frame& frame, Instant now, PacketBatch& out) {
  const std::optional<wire::RouterAdvertisement> advertisement = wire::parse_router_advertisement(frame);
  if (!advertisement || !params_.router_discovery || local_.contains(frame.source)) {
    counters_.drop(DropReason::NdUnwanted);
    return false;
  }
  if (!advertisements_.take(now)) {
    counters_.router_advertisements_limited.add();
    return false;
  }
  counters_.router_advertisements_received.add();
  // RFC 4861 §6.3.4: what the router says of its own link-layer address.
  if (advertisement->mac) neighbors_.heard_request(advertisement->router, *advertisement->mac, now, out);
  bool changed = take_router(*advertisement, now);
  bool prefixes_changed = false;
  for (size_t i = 0; i < advertisement->prefix_count; ++i)
    prefixes_changed |= take_prefix(advertisement->prefixes[i], now);
  if (prefixes_changed) tell_prefixes();
  changed |= take_link(*advertisement);
  changed |= choose();
  // RFC 4861 §6.3.7: a default router has spoken.
  if (advertisement->lifetime_seconds != 0) solicitations_ = 0, solicit_at_ = kNever;
  rearm();
  return changed || prefixes_changed;
}

// RFC 4861 §6.3.4. A list that is full keeps those that it knows.
bool RouterDiscovery::take_router(const wire::RouterAdvertisement& advertisement, Instant now) {
  auto known = std::find_if(routers_.begin(), routers_.end(),
                            [&](const Router& router) { return router.address == advertisement.router; });
  if (advertisement.lifetime_seconds == 0) {
    if (known == routers_.end()) return false;
    routers_.erase(known);
    return true;
  }
  if (known == routers_.end()) {
    if (routers_.size() >= kRouters) {
      counters_.router_advertisements_limited.add();
      return false;
    }
    routers_.push_back({.address = advertisement.router});
    known = std::prev(routers_.end());
  }
  known->preference = advertisement.preference;
  known->expires = end_of(advertisement.lifetime_seconds, now);
  known->unreachable = false;
  return false;
}

// RFC 4861 §6.3.4. One that is not on the link says nothing: it may be all the same.
bool RouterDiscovery::take_prefix(const wire::PrefixInformation& information, Instant now) {
  if (!information.on_link) return false;
  const auto known = std::find_if(prefixes_.begin(), prefixes_.end(), [&](const OnLinkPrefix& prefix) {
    return prefix.prefix == information.prefix;
  });
  if (information.valid_seconds == 0) {
    if (known == prefixes_.end()) return false;
    prefixes_.erase(known);
    return true;
  }
  const Instant expires = end_of(information.valid_seconds, now);
  if (known != prefixes_.end()) {
    known->expires = expires;
    return false;
  }
  if (prefixes_.size() >= kPrefixes) {
    counters_.router_advertisements_limited.add();
    return false;
  }
  prefixes_.push_back({.prefix = information.prefix, .expires = expires});
  return true;
}

// RFC 4861 §6.3.4. An MTU that the link cannot have is ignored.
bool RouterDiscovery::take_link(const wire::RouterAdvertisement& advertisement) {
  const LinkParameters before = link_;
  if (advertisement.reachable_ms != 0)
    link_.reachable = within(advertisement.reachable_ms, kLeastReachable, kMostReachable);
  if (advertisement.retransmit_ms != 0)
    link_.retransmit = within(advertisement.retransmit_ms, kLeastRetransmit, kMostRetransmit);
  if (advertisement.mtu && *advertisement.mtu >= kLeastMtu && *advertisement.mtu <= interface_.mtu)
    link_.mtu = static_cast<uint16_t>(*advertisement.mtu);
  return before.reachable != link_.reachable || before.retransmit != link_.retransmit || before.mtu != link_.mtu;
}

bool RouterDiscovery::unreachable(const IpAddress& neighbor) {
  for (Router& router : routers_)
    if (router.address == neighbor) router.unreachable = true;
  return choose();
}

// RFC 4861 §6.3.6, RFC 4191 §3.2: the most preferred of those that answer, and the one in use before another;
// when none answers each is tried in its turn.
bool RouterDiscovery::choose() {
  std::optional<IpAddress> stay = chosen_;
  if (std::all_of(routers_.begin(), routers_.end(), [](const Router& router) { return router.unreachable; })) {
    for (Router& router : routers_) router.unreachable = false;
    for (size_t i = 0; chosen_ && i < routers_.size() && routers_.back().address != *chosen_; ++i)
      std::rotate(routers_.begin(), routers_.begin() + 1, routers_.end());
    stay.reset();
  }
  const Router* best = nullptr;
  for (const Router& router : routers_) {
    if (router.unreachable) continue;
    const bool in_use = stay && router.address == *stay;
    if (best == nullptr || router.preference > best->preference ||
        (router.preference == best->preference && in_use))
      best = &router;
  }
  const std::optional<IpAddress> wanted = best == nullptr ? std::nullopt : std::optional(best->address);
  if (wanted == chosen_) return false;
  chosen_ = wanted;
  routes_.learn_default_router(chosen_);
  return true;
}

[[gnu::cold]] bool RouterDiscovery::expire_due(Instant now, PacketBatch& out) {
  if (now >= solicit_at_) solicit(now, out);
  const bool lost = std::erase_if(routers_, [&](const Router& router) { return router.expires <= now; }) != 0;
  const bool shorter = std::erase_if(prefixes_, [&](const OnLinkPrefix& prefix) { return prefix.expires <= now; }) != 0;
  if (shorter) tell_prefixes();
  const bool changed = (lost && choose()) || shorter;
  rearm();
  return changed;
}

// RFC 4861 §6.3.7; from our link-local address, once it is in use.
void RouterDiscovery::solicit(Instant now, PacketBatch& out) {
  solicit_at_ = now + kRetry;
  const LocalId id = local_.number_of(link_local_address(interface_.mac));
  if (local_.state(id) == AddressState::Tentative) return;
  const IpAddress source = local_.is_usable(id) ? local_.at(id) : IpAddress();
  Packet packet = pool_.allocate();
  if (!packet || !wire::build_router_solicitation(packet, interface_.mac, source))
    return counters_.drop(DropReason::PacketPoolEmpty);
  if (!emit(std::move(packet), out, counters_)) return;
  counters_.router_solicits_sent.add();
  solicit_at_ = --solicitations_ == 0 ? kNever : now + kSolicitationInterval;
}

void RouterDiscovery::tell_prefixes() {
  std::vector<Prefix> all;
  for (const OnLinkPrefix& prefix : prefixes_) all.push_back(prefix.prefix);
  routes_.learn_on_link(all);
}

void RouterDiscovery::rearm() {
  next_deadline_ = solicit_at_;
  for (const Router& router : routers_) next_deadline_ = earlier(next_deadline_, router.expires);
  for (const OnLinkPrefix& prefix : prefixes_) next_deadline_ = earlier(next_deadline_, prefix.expires);
}

}  // namespace millrace::ip
