#include "shard/shard.h"

#include <algorithm>
#include <cstdlib>

#include "shard/impl.h"
#include "tcp/close/close.h"

namespace millrace::shard {

namespace {

// A quantum of cc::Pacer is four of them.
constexpr Micros kDepartureTick = 64us;

constexpr uint32_t kListeners = 1024;

tcp::BufferLimits limits_of(const TcpParams& params) {
  return {.receive = params.receive_buffer_max,
          .send = params.send_buffer_max,
          .send_low_water = params.send_low_water};
}

std::chrono::seconds whole_seconds(Micros duration) {
  return std::chrono::floor<std::chrono::seconds>(duration);
}

uint32_t table_bound(const MemoryParams& memory) {
  const uint64_t all = uint64_t{memory.connections} + memory.syn_records + memory.time_wait_records;
  return static_cast<uint32_t>(std::min<uint64_t>(all, (uint64_t{1} << flow::Ref::kIndexBits) - 1));
}

}  // namespace

Shard::Impl::Impl(Shard& owner, const ShardParams& given, wire::Checksum link_checksum, PacketPool& packets,
                  Entropy& random, Instant start, const Place& where)
    : shard(owner),
      params(given),
      place(where),
      checksum(link_checksum),
      pool(packets),
      now(start),
      memory(given.memory.buffer_bytes, given.memory.held_packets),
      host(params.interface, params.neighbor, params.icmp, packets, random, counters),
      isn(random),
      entropy(random),
      challenges(random),
      resets(random),
      hash(random),
      table(table_bound(given.memory)),
      listening(kListeners),
      ports({}, random),
      wheel(start),
      connections(given.memory.connections),
      slow_peers(connections),
      syn_queue(given.memory.syn_records),
      time_wait(given.memory.time_wait_records),
      time_wait_fifo(TimeWaitLinks{&time_wait}),
      delayed_acks(AckLinks{&connections}),
      recorder(given.memory.trace_segments),
      syn_cookie_keys(tcp::KeyUse::SynCookie, given.secrets ? *given.secrets : draw_secrets(random),
                      whole_seconds(given.tcp.syn_cookie_rotation)),
      fast_open(given.secrets ? *given.secrets : draw_secrets(random), given.memory.fast_open_cookies,
                random),
      path_mtus(given.memory.path_mtus, random),
      fleet_cookie_checks(given.tcp.fleet_cookie_checks),
      departures(start, kDepartureTick) {
  memory.set_limits(limits_of(given.tcp));
  if (given.secrets) share_timestamps(*given.secrets);
  if (place.peers != nullptr) host.share_news();
}

Shard::Impl::~Impl() {
  for (uint32_t i = 0; i < connections.extent(); ++i)
    if (connections.contains(i)) destroy(connections[i]);
  while (!time_wait_fifo.empty()) {
    const uint32_t index = time_wait_fifo.front();
    time_wait_fifo.remove(index);
    time_wait.destroy(index);
  }
}

Shard::Shard(const ShardParams& params, wire::Checksum checksum, PacketPool& pool, Entropy& entropy,
             Instant now, const Place& place)
    : impl_(std::make_unique<Impl>(*this, params, checksum, pool, entropy, now, place)) {}

Shard::~Shard() = default;

void Shard::start(Instant now, PacketBatch& out) {
  impl_->now = now;
  // One of us speaks for all.
  impl_->host.start(impl_->place.index == 0, now, out);
}

void Shard::link_changed(bool up, Instant now) {
  if (impl_->place.index == 0) impl_->host.link_changed(up, now);
  impl_->next_slow_look = now;
}

const TcpParams& Shard::tcp_params() const { return impl_->params.tcp; }
Instant Shard::now() const { return impl_->now; }

bool Shard::busy() const { return !impl_->ready.empty() || !impl_->notices.empty(); }

Instant Shard::next_deadline() const {
  const Impl& impl = *impl_;
  Instant slow = impl.host.next_deadline();
  slow = std::min(slow, impl.syn_queue.next_deadline(impl.params.tcp.rto_initial));
  if (!impl.time_wait_fifo.empty()) slow = std::min(slow, impl.time_wait_ends(impl.time_wait_fifo.front()));
  slow = std::min(slow, impl.next_relief());
  if (impl.draining && impl.connections.used() != 0) slow = std::min(slow, impl.next_drain_sweep);

  Instant deadline = std::max(slow, impl.next_slow_look);
  deadline = std::min(deadline, impl.wheel.next_deadline());
  deadline = std::min(deadline, impl.departures.next_deadline());
  if (!impl.delayed_acks.empty())
    deadline = std::min(deadline, impl.connections[impl.delayed_acks.front()].links.ack_deadline);
  for (const app::Program* program : impl.programs) deadline = std::min(deadline, program->next_call());
  if (impl.rearm_from != kNoIndex) deadline = std::min(deadline, impl.now);
  return deadline;
}

void Shard::touch(app::Connection& connection) { impl_->make_ready(connection); }

void Shard::add_program(app::Program& program) { impl_->programs.push_back(&program); }

void Shard::use_ports(const flow::PortRange& range, Entropy& entropy) {
  impl_->ports = flow::Ports(range, entropy);
}

void Shard::set_tcp_params(const TcpParams& params) {
  impl_->params.tcp = params;
  impl_->memory.set_limits(limits_of(params));
  impl_->rearm_from = 0;
  impl_->syn_cookie_keys.set_period(whole_seconds(params.syn_cookie_rotation));
  impl_->fleet_cookie_checks.set_rate(params.fleet_cookie_checks);
}

// The table of neighbours keeps its size.
void Shard::set_ip_params(const NeighborParams& neighbor, const IcmpParams& icmp) {
  const auto entries = impl_->params.neighbor.entries;
  impl_->params.neighbor = neighbor;
  impl_->params.neighbor.entries = entries;
  impl_->params.icmp = icmp;
  impl_->host.params_changed();
}

void Shard::set_secrets(const Secrets& secrets) {
  impl_->syn_cookie_keys.set_secrets(secrets);
  impl_->fast_open.keys.set_secrets(secrets);
  impl_->share_timestamps(secrets);
}

void Shard::Impl::share_timestamps(const Secrets& secrets) {
  shared_keys = secrets.shared;
  std::optional<tcp::SipKey> key;
  if (shared_keys) key = tcp::derive_key(secrets.issue, tcp::KeyUse::TimestampOffset);
  isn.share_timestamps(key);
}

// Timestamps follow the time of day only where it leaves the steady clock by more than it trembles: a
// connection that is opened again must not find its clock set back.
void Shard::set_wall_clock(WallTime wall, Instant at) {
  constexpr int64_t kTremble = 1000;
  impl_->syn_cookie_keys.advance(wall);
  impl_->fast_open.keys.advance(wall);
  const int64_t ahead = wall.time_since_epoch().count() - at.time_since_epoch().count() / 1000;
  if (std::abs(ahead - impl_->wall_ahead_ms) <= kTremble) return;
  impl_->wall_ahead_ms = ahead;
  impl_->isn.set_wall_ahead(static_cast<uint32_t>(ahead));
}

uint32_t Shard::connections() const { return impl_->connections.used() + impl_->syn_queue.size(); }

void Shard::drain(Instant now) {
  impl_->now = now;
  impl_->draining = true;
  impl_->next_drain_sweep = now;
}

void Shard::abort_all(Instant now) {
  impl_->now = now;
  for (uint32_t i = 0; i < impl_->connections.extent(); ++i)
    if (impl_->connections.contains(i)) impl_->connections[i].abort();
}

}  // namespace millrace::shard
