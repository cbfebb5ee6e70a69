// What may be seen of a shard, copied by its own lcore.
#include <algorithm>

#include "shard/impl.h"
#include "tcp/transfer/ecn.h"

namespace millrace::shard {

const Counters& Shard::counters() const { return impl_->counters; }
Counters& Shard::counters() { return impl_->counters; }

namespace {

ConnectionRow row_of(const app::Connection& connection, Instant now) {
  const tcp::Tcb& tcb = connection.tcb();
  const tcp::TcbHot& hot = tcb.hot;
  const tcp::TcbCold& cold = tcb.cold;
  ConnectionRow row;
  row.flow = {.local = connection.local(), .remote = connection.remote()};
  row.state = hot.state();
  row.age = now - connection.opened_at;
  row.send_queue_bytes = cold.send.size();
  row.receive_queue_bytes = cold.receive.size();
  row.unacknowledged_bytes = hot.snd_nxt - hot.snd_una;
  row.cwnd_bytes = hot.cwnd;
  row.ssthresh_bytes = cold.cc.ssthresh();
  row.congestion_control = cc::name_of(cold.cc.algorithm());
  row.send_window_bytes = hot.snd_wnd;
  row.receive_window_bytes = hot.rcv_wnd();
  row.mss_bytes = hot.mss;
  row.srtt = cold.rtt.srtt();
  row.rttvar = cold.rtt.rttvar();
  row.rto = Micros(hot.rto_us);
  row.retransmits = cold.retransmits;
  row.backoff = cold.rtt.backoff();
  row.bytes_sent = cold.bytes_sent;
  row.bytes_received = cold.bytes_received;
  row.timestamps = hot.flags.timestamps;
  row.fast_open = cold.fast_open.data_taken;
  row.sack = hot.flags.sack;
  row.ecn = hot.ecn.sends_ect();
  const tcp::EcnCounts ecn = tcp::ecn_counts(tcb);
  row.ecn_ce_received = ecn.ce_received;
  row.ecn_echoes_received = ecn.echoes_received;
  row.ecn_reductions = ecn.reductions;
  row.send_scale = hot.snd_scale.shift();
  row.receive_scale = hot.rcv_scale.shift();
  return row;
}

// A record's row: a record knows its ends and little else.
ConnectionRow row_of(const flow::FlowKey& key, tcp::State state, const ip::Host& host) {
  ConnectionRow row;
  row.flow = {.local = {host.local_address(key.local), key.local_port},
              .remote = {key.remote, key.remote_port}};
  row.state = state;
  return row;
}

constexpr uint64_t id_of(flow::Kind kind, uint32_t index) {
  return uint64_t{static_cast<uint8_t>(kind)} << 32 | index;
}

}  // namespace

// The cursor is the id to go on with: kind and index.
uint64_t Shard::copy_connections(uint64_t cursor, size_t limit, std::vector<ConnectionRow>& out) const {
  const Impl& impl = *impl_;
  const auto walk = [&](flow::Kind kind, uint32_t extent, auto&& append) -> uint64_t {
    const uint64_t first = id_of(kind, 0);
    if (cursor >= first + extent) return 0;
    for (uint64_t id = std::max(cursor, first); id < first + extent; ++id) {
      if (limit == 0) return id;
      const size_t before = out.size();
      append(static_cast<uint32_t>(id - first));
      if (out.size() == before) continue;
      out.back().id = id;
      --limit;
    }
    return 0;
  };
  const auto live = [&](uint32_t index) {
    if (!impl.connections.contains(index) || impl.connections[index].links.detached) return;
    const app::Connection& connection = impl.connections[index];
    out.push_back(row_of(connection, impl.now));
    if (connection.links.listener != kNoIndex)
      out.back().service = impl.listeners[connection.links.listener].name;
  };
  const auto half_open = [&](uint32_t index) {
    if (!impl.syn_queue.contains(index)) return;
    out.push_back(row_of(impl.syn_queue[index].key, tcp::State::SynReceived, impl.host));
    out.back().service = impl.listeners[impl.syn_queue[index].listener].name;
  };
  const auto waiting = [&](uint32_t index) {
    if (impl.time_wait.contains(index))
      out.push_back(row_of(impl.time_wait[index].key, tcp::State::TimeWait, impl.host));
  };
  if (const uint64_t next = walk(flow::Kind::Connection, impl.connections.extent(), live)) return next;
  if (const uint64_t next = walk(flow::Kind::SynRecord, impl.syn_queue.extent(), half_open)) return next;
  return walk(flow::Kind::TimeWait, impl.time_wait.extent(), waiting);
}

std::optional<ConnectionDetail> Shard::connection(uint64_t id) const {
  const Impl& impl = *impl_;
  const auto index = static_cast<uint32_t>(id);
  if (id != id_of(flow::Kind::Connection, index) || index >= impl.connections.extent() ||
      !impl.connections.contains(index) || impl.connections[index].links.detached)
    return std::nullopt;
  const app::Connection& connection = impl.connections[index];
  const tcp::TcbHot& hot = connection.tcb().hot;
  const tcp::TcbCold& cold = connection.tcb().cold;
  ConnectionDetail out;
  out.row = row_of(connection, impl.now);
  out.row.id = id;
  if (connection.links.listener != kNoIndex) out.row.service = impl.listeners[connection.links.listener].name;
  out.iss = cold.iss;
  out.irs = cold.irs;
  out.snd_una = hot.snd_una;
  out.snd_nxt = hot.snd_nxt;
  out.snd_end = hot.snd_end;
  out.rcv_nxt = hot.rcv_nxt;
  out.rcv_adv = hot.rcv_adv;
  out.last_ack_sent = hot.last_ack_sent;
  out.ts_recent = hot.ts_recent;
  out.largest_send_window = cold.max_snd_wnd;
  out.send_buffer = cold.send_buffer;
  out.receive_buffer = cold.receive_buffer;
  out.our_mss = cold.our_mss.octets();
  out.peer_mss = cold.peer_mss.octets();
  if (hot.rtx_deadline != kNever) out.timer_in = std::max(Micros{}, hot.rtx_deadline - impl.now);
  out.heard_ago = impl.now - cold.heard_at;
  out.retries = cold.retries;
  out.fast_open = app::name_of(connection.fast_open());
  out.received_dscp = cold.received_dscp;
  out.active_open = hot.flags.active_open || connection.links.listener == kNoIndex;
  out.fin_queued = hot.flags.fin_queued;
  out.receive_closed = hot.flags.receive_closed;
  out.no_delay = hot.flags.no_delay;
  out.corked = cold.corked;
  return out;
}

bool Shard::abort(uint64_t id, const wire::FlowAddress& flow, Instant now) {
  const auto index = static_cast<uint32_t>(id);
  if (id != id_of(flow::Kind::Connection, index) || index >= impl_->connections.extent() ||
      !impl_->connections.contains(index))
    return false;
  app::Connection& connection = impl_->connections[index];
  if (connection.links.detached || connection.local() != flow.local || connection.remote() != flow.remote)
    return false;
  impl_->now = now;
  connection.abort();
  return true;
}

std::vector<ListenerRow> Shard::listeners() const {
  std::vector<ListenerRow> rows;
  for (const Listener& listener : impl_->listeners) {
    if (listener.handler == nullptr) continue;
    rows.push_back({.name = listener.name,
                    .local = listener.params.local,
                    .half_open = listener.half_open,
                    .backlog = listener.params.backlog,
                    .accepted = listener.accepted,
                    .open = listener.open,
                    .connections = listener.params.connections,
                    .syn_overflows = listener.syn_overflows,
                    .accept_overflows = listener.accept_overflows,
                    .cookies_sent = listener.cookies_sent,
                    .cookies_accepted = listener.cookies_accepted,
                    .cookies_rejected = listener.cookies_rejected});
  }
  return rows;
}

std::vector<ip::NeighborRow> Shard::neighbors() const { return impl_->host.neighbors(); }
std::vector<ip::AddressRow> Shard::addresses() const { return impl_->host.addresses(); }
std::vector<ip::RouteRow> Shard::routes() const { return impl_->host.routes(impl_->now); }

std::vector<TraceRow> Shard::trace(size_t limit) const { return impl_->recorder.rows(limit, impl_->host); }

tcp::State Shard::state_of(const wire::FlowAddress& flow) const {
  const ip::LocalId local = impl_->host.local_id(flow.local.address);
  if (local == ip::kNoLocal) return tcp::State::Closed;
  const flow::FlowKey key = impl_->make_key(flow, local);
  const flow::Ref ref = impl_->table.find(
      impl_->hash(key), key, [this](flow::Ref r) -> const flow::FlowKey& { return impl_->key_of(r); });
  if (!ref) return impl_->listening.find(flow.local) == kNoIndex ? tcp::State::Closed : tcp::State::Listen;
  switch (ref.kind()) {
    case flow::Kind::SynRecord:
      return tcp::State::SynReceived;
    case flow::Kind::TimeWait:
      return tcp::State::TimeWait;
    default:
      return impl_->connections[ref.index()].state();
  }
}

app::Connection* Shard::find(const wire::FlowAddress& flow) {
  const ip::LocalId local = impl_->host.local_id(flow.local.address);
  if (local == ip::kNoLocal) return nullptr;
  const flow::FlowKey key = impl_->make_key(flow, local);
  const flow::Ref ref = impl_->table.find(
      impl_->hash(key), key, [this](flow::Ref r) -> const flow::FlowKey& { return impl_->key_of(r); });
  return ref && ref.kind() == flow::Kind::Connection ? &impl_->connections[ref.index()] : nullptr;
}

Shard::Usage Shard::usage() const {
  return {.connections = impl_->connections.used(),
          .syn_records = impl_->syn_queue.size(),
          .time_wait_records = impl_->time_wait.used(),
          .timers = static_cast<uint32_t>(impl_->wheel.armed() + impl_->departures.armed()),
          .buffer_bytes = impl_->memory.used_bytes(),
          .held_packets = impl_->memory.held_packets()};
}

}  // namespace millrace::shard
