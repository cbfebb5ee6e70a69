// expire(): every deadline of the shard that has come.
#include <algorithm>

#include "shard/impl.h"
#include "tcp/slow_timers.h"
#include "tcp/timers.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/pacing.h"

namespace millrace::shard {

namespace {

app::Connection& connection_of(tcp::TcbHot& hot) {
  // The TCB is a connection's first member, and the hot part the TCB's.
  return *reinterpret_cast<app::Connection*>(&hot);
}

constexpr Micros kDrainSweep = 10ms;
constexpr Micros kSlowLook = 50us;
constexpr uint32_t kRearmed = 64;  // connections an iteration

}  // namespace

void Shard::expire(Instant now, PacketBatch& out) {
  Impl& impl = *impl_;
  impl.now = now;
  impl.wheel.advance(now, [&](timer::Node& node) {
    app::Connection& connection = connection_of(tcp::hot_of(node));
    tcp::Tcb& tcb = connection.tcb();
    const Instant deadline = impl.next_deadline(tcb);
    if (deadline > now) {
      impl.wheel.start(node, deadline);
      return;
    }
    impl.on_deadline(connection);
    impl.make_ready(connection);
    if (tcb.hot.state() == tcp::State::Closed) impl.leave(connection, out);
  });

  if (impl.departures.armed() != 0) [[unlikely]]
    impl.departures.advance(
        now, [&](timer::Node& node) { impl.make_ready(connection_of(tcp::paced_by(node).hot)); });

  impl.delayed_acks.expire(
      now, [&](uint32_t index) { return impl.connections[index].links.ack_deadline; },
      [&](uint32_t index) {
        tcp::on_delayed_ack_deadline(impl.connections[index].tcb().hot);
        impl.counters.tcp_delayed_acks_sent.add();
        impl.make_ready(impl.connections[index]);
      });

  if (impl.rearm_from != kNoIndex) [[unlikely]]
    impl.rearm_some();
  if (now >= impl.next_slow_look) impl.expire_slow(out);
  impl.show_gauges();
}

// What is due in milliseconds or more is looked for this often, and not each time that the loop comes by; and after what
// may have made something due at once.
void Shard::Impl::expire_slow(PacketBatch& out) {
  next_slow_look = now + kSlowLook;
  expire_syn_queue(out);
  time_wait_fifo.expire(
      now, [&](uint32_t index) { return time_wait_ends(index); },
      [&](uint32_t index) {
        if (strays_out != 0) release_claim(flow_of(time_wait[index].key));
        const flow::Ref ref(flow::Kind::TimeWait, index);
        table.erase(hash(time_wait[index].key), ref);
        ++table_changes;
        time_wait.destroy(index);
      });
  relieve(out);
  host.expire(now, out);
  if (host.has_news()) tell_news();
  for (const IpAddress& address : host.take_unreachable()) note_unreachable(address);
  if (draining && now >= next_drain_sweep) {
    next_drain_sweep = now + kDrainSweep;
    shut_down_idle();
  }
}

void Shard::Impl::expire_syn_queue(PacketBatch& out) {
  syn_queue.expire(now, params.tcp.rto_initial, [&](uint32_t index) {
    tcp::SynRecord& record = syn_queue[index];
    const uint64_t record_hash = hash(record.key);
    if (record.retries >= params.tcp.syn_ack_retries) {
      counters.tcp_timeouts.add();
      counters.tcp_open_failures.add();
      return forget_syn_record(index, record_hash);
    }
    const wire::FlowAddress flow{.local = {host.local_address(record.key.local), record.key.local_port},
                                 .remote = {record.key.remote, record.key.remote_port}};
    record.retries = static_cast<uint8_t>((record.retries + 1) & 0xf);
    syn_queue.sent(index, now);
    if (is_crowded(listeners[record.listener]) && host.resolve(flow.remote.address, now) == nullptr) return;
    wire::Segment answer;
    tcp::syn_ack(record, params.tcp, isn.timestamp_offset(flow.local.address, flow.remote.address), now,
                 answer);
    counters.tcp_syn_acks_retransmitted.add();
    send_stateless(flow, answer, tcp::State::SynReceived, out);
  });
}

Instant Shard::Impl::next_deadline(const tcp::Tcb& tcb) const {
  const Instant deadline = tcp::next_deadline(tcb);
  if (!tcp::has_slow_timers(tcb, params.tcp)) [[likely]]
    return deadline;
  return earlier(deadline, tcp::next_slow_deadline(tcb, params.tcp));
}

void Shard::Impl::on_deadline(app::Connection& connection) {
  tcp::Tcb& tcb = connection.tcb();
  const uint32_t retries = tcb.cold.retries;
  if (tcp::has_slow_timers(tcb, params.tcp)) tcp::on_slow_deadline(tcb, context());
  tcp::on_deadline(tcb, context());
  // R1 (RFC 9293 §3.8.3 MUST-20 (a)).
  if (tcb.cold.retries != retries && tcb.cold.retries == params.tcp.report_retries)
    host.doubt(connection.remote().address, now);
}

// After a change of parameters that apply to connections which nothing else will touch.
void Shard::Impl::rearm_some() {
  const uint32_t end = std::min(rearm_from + kRearmed, connections.extent());
  for (; rearm_from < end; ++rearm_from)
    if (connections.contains(rearm_from) && !connections[rearm_from].links.detached)
      make_ready(connections[rearm_from]);
  if (rearm_from == connections.extent()) rearm_from = kNoIndex;
}

void Shard::Impl::shut_down_idle() {
  for (uint32_t i = 0; i < connections.extent(); ++i) {
    if (!connections.contains(i)) continue;
    app::Connection& connection = connections[i];
    if (!connection.links.detached && connection.unacknowledged_bytes() == 0 &&
        tcp::can_send(connection.state()))
      connection.shutdown();
  }
}

}  // namespace millrace::shard
