// Neighbour: multicast.h.
#include "ip/multicast.h"

#include <algorithm>

#include "ip/link_messages.h"
#include "wire/arp_nd.h"

namespace millrace::ip {

namespace {

constexpr unsigned kRobustness = 2;       // RFC 3810 §9.1
constexpr Micros kUnsolicited = 1s;       // RFC 3810 §9.11
constexpr Micros kVersion1Present = 260s;  // RFC 3810 §9.12, with the default intervals
// Queries may ask for an answer at once: one that comes often is answered only so often.
constexpr Micros kBetweenAnswers = 100ms;
constexpr Micros kRetry = 1ms;  // when there was no room

}  // namespace

Micros MulticastListener::draw(Micros below) const {
  if (below <= Micros{}) return Micros{};
  return Micros(static_cast<int64_t>(entropy_.next() % static_cast<uint64_t>(below.count())));
}

// RFC 4861 §7.2.1, RFC 4862 §5.4.2: the solicited-node groups, of tentative addresses too. Of the group of all
// nodes nothing is ever said (RFC 3810 §6).
std::vector<IpAddress> MulticastListener::wanted() const {
  std::vector<IpAddress> out;
  for (LocalId id = 0; id < local_.prefixes().size(); ++id)
    if (!local_.at(id).is_v4() && local_.is_wanted(id)) out.push_back(wire::solicited_node_group(local_.at(id)));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// RFC 3590 §4: unspecified until there is a link-local address.
IpAddress MulticastListener::source() const {
  const IpAddress address = link_local_address(interface_.mac);
  return local_.contains(address) ? address : IpAddress();
}

[[gnu::cold]] void MulticastListener::begin(Instant now) {
  if (!params_.multicast_reports) return;
  speaks_ = true;
  groups_.clear();
  for (const IpAddress& address : wanted()) groups_.push_back({.address = address, .changes = kRobustness});
  if (!groups_.empty()) change_at_ = now;
}

// RFC 3810 §6.1. Who has learnt of a group by a report from the unspecified address may have thrown it away
// (RFC 3590 §4): once there is a link-local address all are told again.
[[gnu::cold]] void MulticastListener::follow_addresses(Instant now) {
  if (!speaks_) return;
  const std::vector<IpAddress> all = wanted();
  for (Group& group : groups_) {
    group.left = !std::binary_search(all.begin(), all.end(), group.address);
    group.changes = kRobustness;
  }
  for (const IpAddress& address : all)
    if (std::none_of(groups_.begin(), groups_.end(), [&](const Group& group) { return group.address == address; }))
      groups_.push_back({.address = address, .changes = kRobustness});
  if (!groups_.empty()) change_at_ = now;
}

bool MulticastListener::receive(const wire::Frame& frame, Instant now) {
  const std::optional<wire::MldQuery> query = wire::parse_mld_query(frame);
  if (!query) return false;
  counters_.mld_queries_received.add();
  if (query->version == 1) version1_until_ = now + kVersion1Present;
  const bool ours = query->group.is_unspecified() ||
                    std::any_of(groups_.begin(), groups_.end(),
                                [&](const Group& group) { return group.address == query->group && !group.left; });
  if (!ours || groups_.empty()) return true;
  // RFC 3810 §6.2, RFC 2710 §4: after a while within what the query allows, so that not all answer at once.
  answer_at_ = std::min(answer_at_, std::max(now + draw(query->max_response), answer_after_));
  return true;
}

void MulticastListener::send_due(Instant now, PacketBatch& out) {
  if (now >= change_at_) queue_changes(now);
  if (now >= answer_at_) {
    queue_answer();
    answer_at_ = kNever;
    answer_after_ = now + kBetweenAnswers;
  }
  while (!queue_.empty())
    if (!send_some(now, out)) {
      send_at_ = now + kRetry;
      return;
    }
  send_at_ = kNever;
}

// RFC 3810 §6.1: sent again, for it may be lost, after a random while.
void MulticastListener::queue_changes(Instant now) {
  bool more = false;
  for (Group& group : groups_) {
    if (group.changes == 0) continue;
    queue_.push_back({group.left ? wire::MldRecord::ToInclude : wire::MldRecord::ToExclude, group.address});
    more |= --group.changes != 0;
  }
  std::erase_if(groups_, [](const Group& group) { return group.left && group.changes == 0; });
  change_at_ = more ? now + 1us + draw(kUnsolicited) : kNever;
}

// Whatever group was asked for, all are told: there are few.
void MulticastListener::queue_answer() {
  for (const Group& group : groups_)
    if (!group.left) queue_.push_back({wire::MldRecord::IsExclude, group.address});
}

// As many as one packet holds. False: no room.
bool MulticastListener::send_some(Instant now, PacketBatch& out) {
  const bool version1 = now < version1_until_;
  const size_t count = version1 ? 1 : std::min(queue_.size(), wire::kMldRecords);
  Packet packet = pool_.allocate();
  const bool built =
      packet && (version1 ? wire::build_mld1_report(packet, interface_.mac, source(), queue_.front())
                          : wire::build_mld_report(packet, interface_.mac, source(),
                                                   std::span(queue_).first(count)));
  if (!built) {
    counters_.drop(DropReason::PacketPoolEmpty);
    return false;
  }
  if (!emit(std::move(packet), out, counters_)) return false;
  counters_.mld_reports_sent.add();
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
  return true;
}

}  // namespace millrace::ip
