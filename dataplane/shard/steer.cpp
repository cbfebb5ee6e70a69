// Flows that belong to another shard: packets are handed over, neighbours' news told, and an active open that
// found no port of its own asks the flow's owner. Neighbours: peers.h (the way there), flow/steering.h (whose
// a flow is).
#include <cstring>

#include "shard/impl.h"
#include "tcp/tcb.h"

namespace millrace::shard {

namespace {

using Stray = app::Connection::Links::Stray;

// A shard of N has one port in N; so many tries each leave one open in a million without.
constexpr uint32_t kCandidatesAShard = 14;
constexpr size_t kStrays = 65536;
// News of neighbours that found the ring full are dropped beyond this; the neighbour is asked again.
constexpr size_t kNotices = 4096;

}  // namespace

bool Shard::Impl::owns(const wire::FlowAddress& flow) const {
  return !shares_flows() || place.steering->owner(flow.remote, flow.local) == place.index;
}

void Shard::Impl::check_steering(const wire::FlowAddress& flow) {
  const bool predicted = owns(flow);
  steering_check.saw(flow.remote.address.family(), predicted);
  (predicted ? counters.steering_predicted : counters.steering_unpredicted).add();
}

bool Shard::Impl::hand_over(const wire::FlowAddress& flow, Packet& packet) {
  unsigned owner = place.steering->owner(flow.remote, flow.local);
  if (owner == place.index) {
    if (strays.empty()) return false;
    const auto stray = strays.find(flow);
    if (stray == strays.end()) return false;
    owner = stray->second;
  }
  if (place.peers->hand_over(owner, packet))
    counters.steering_handed_over.add();
  else
    counters.drop(DropReason::HandoverFull);
  return true;
}

// ---- notices

void Shard::Impl::tell(unsigned to, Notice notice) {
  notice.from = static_cast<uint16_t>(place.index);
  const bool neighbor = notice.kind == Notice::Kind::Link && notice.news.kind == ip::LinkNews::Kind::Neighbor;
  if (neighbor && notices.size() >= kNotices) return;
  notices.push_back({to, notice});
}

void Shard::Impl::tell_all(const Notice& notice) {
  for (unsigned other = 0; other < place.steering->shards(); ++other)
    if (other != place.index) tell(other, notice);
}

void Shard::Impl::tell_news() {
  for (const ip::LinkNews& news : host.take_news()) tell_all({.kind = Notice::Kind::Link, .news = news});
}

void Shard::Impl::share(const Packet& packet) {
  if (!shared_frames.take(now)) return counters.drop(DropReason::HandoverFull);
  for (unsigned other = 0; other < place.steering->shards(); ++other) {
    if (other == place.index) continue;
    Packet copy = pool.allocate();
    if (!copy || copy.capacity() < packet.length()) return counters.drop(DropReason::PacketPoolEmpty);
    std::memcpy(copy.data(), packet.data(), packet.length());
    copy.set_length(packet.length());
    if (!place.peers->hand_over(other, copy)) counters.drop(DropReason::HandoverFull);
  }
}

// In order: a claim and its release must not overtake each other.
void Shard::Impl::flush_notices() {
  size_t told = 0;
  while (told < notices.size() && place.peers->tell(notices[told].to, notices[told].notice)) ++told;
  notices.erase(notices.begin(), notices.begin() + static_cast<ptrdiff_t>(told));
}

void Shard::hear(const Notice& notice, Instant now, PacketBatch& out) {
  Impl& impl = *impl_;
  impl.now = now;
  switch (notice.kind) {
    case Notice::Kind::Link:
      return impl.host.learn(notice.news, now, out);
    case Notice::Kind::Claim:
      return impl.answer_claim(notice);
    case Notice::Kind::Granted:
    case Notice::Kind::Denied:
      return impl.on_claim_answered(notice, out);
    case Notice::Kind::Release:
      impl.strays.erase(notice.flow);
      return;
  }
}

// ---- active opens

// RFC 6056 candidates whose replies come back to us by themselves; failing these, any that is free.
std::optional<uint16_t> Shard::Impl::choose_port(const wire::FlowAddress& flow,
                                                 const std::function<bool(uint16_t)>& is_free) {
  const IpAddress& source = flow.local.address;
  if (!shares_flows()) return ports.search(source, flow.remote, is_free);
  const auto owner = place.steering->by_local_port(flow.remote, source);
  const auto is_ours = [&](uint16_t port) { return owner(port) == place.index && is_free(port); };
  if (auto port = ports.select(source, flow.remote, is_ours, kCandidatesAShard * place.steering->shards()))
    return port;
  return ports.search(source, flow.remote, is_free);
}

// The SYN waits for the owner's word: it may have a connection between the same two ends.
void Shard::Impl::claim(app::Connection& connection) {
  connection.links.stray = Stray::Claiming;
  const wire::FlowAddress flow{.local = connection.local(), .remote = connection.remote()};
  tell(place.steering->owner(flow.remote, flow.local), {.kind = Notice::Kind::Claim, .flow = flow});
}

void Shard::Impl::release_claim(const wire::FlowAddress& flow) {
  if (owns(flow)) return;
  --strays_out;
  tell(place.steering->owner(flow.remote, flow.local), {.kind = Notice::Kind::Release, .flow = flow});
}

void Shard::Impl::answer_claim(const Notice& claim) {
  const ip::LocalId local = host.local_id(claim.flow.local.address);
  const flow::FlowKey key = make_key(claim.flow, local);
  const bool in_use =
      table.find(hash(key), key, [this](flow::Ref ref) -> const flow::FlowKey& { return key_of(ref); }) ||
      strays.contains(claim.flow) || strays.size() >= kStrays;
  if (!in_use) strays.emplace(claim.flow, claim.from);
  tell(claim.from, {.kind = in_use ? Notice::Kind::Denied : Notice::Kind::Granted, .flow = claim.flow});
}

void Shard::Impl::on_claim_answered(const Notice& answer, PacketBatch& out) {
  app::Connection* connection = shard.find(answer.flow);
  const bool waiting = connection != nullptr && connection->links.stray == Stray::Claiming;
  if (answer.kind == Notice::Kind::Granted) {
    ++strays_out;
    if (!waiting) return release_claim(answer.flow);  // it was aborted meanwhile
    connection->links.stray = Stray::Granted;
    return make_ready(*connection);
  }
  if (!waiting) return;
  tcp::end(connection->tcb(), tcp::End::AddressInUse);
  make_ready(*connection);
  leave(*connection, out);
}

}  // namespace millrace::shard
