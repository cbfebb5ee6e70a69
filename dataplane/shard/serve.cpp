// run() and transmit(): the connections that something happened to are served, once a burst each.
#include <algorithm>

#include "shard/impl.h"
#include "tcp/close/close.h"
#include "tcp/timers.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/flight.h"
#include "tcp/transfer/pacing.h"

namespace millrace::shard {

void Shard::Impl::make_ready(app::Connection& connection) {
  if (connection.links.ready) return;
  connection.links.ready = true;
  ready.push_back(connection.links.index);
}

void Shard::run(Instant now) {
  impl_->now = now;
  for (app::Program* program : impl_->programs) program->run(*this, now);
  // By index: a callback may open connections or touch others, which lengthens the list.
  for (size_t i = 0; i < impl_->ready.size(); ++i) impl_->connections[impl_->ready[i]].deliver();
  if (!impl_->any_untold) return;
  impl_->any_untold = false;
  for (Listener& listener : impl_->listeners) listener.untold = 0;
}

void Shard::transmit(Instant now, PacketBatch& out) {
  Impl& impl = *impl_;
  impl.now = now;
  if (!busy()) return;
  size_t kept = 0;
  const size_t count = impl.ready.size();
  for (size_t i = 0; i < count; ++i) {
    app::Connection& connection = impl.connections[impl.ready[i]];
    if (!impl.send_pending(connection, out)) {
      // A device may take nothing for long: what is timed goes on, or nobody would find out.
      impl.arm(connection);
      impl.ready[kept++] = impl.ready[i];
      continue;
    }
    connection.links.ready = false;
    const tcp::State state = connection.state();
    const bool over = state == tcp::State::Closed || state == tcp::State::TimeWait;
    if (over && !connection.links.detached) impl.leave(connection, out);
    if (over && connection.closed_told())
      impl.destroy(connection);
    else if (!over)
      impl.settle(connection);
    else if ((connection.tcb().hot.events & tcp::Event::kClosed) != 0 && connection.readable_bytes() == 0)
      connection.links.ready = true,
      impl.ready[kept++] = connection.links.index;  // its end is still to be told
  }
  impl.ready.resize(kept);
  impl.spare.reset();
  if (!impl.notices.empty()) impl.flush_notices();
  impl.show_gauges();
}

void Shard::Impl::show_gauges() {
  counters.connections.set(connections.used());
  counters.syn_records.set(syn_queue.size());
  counters.time_wait_records.set(time_wait.used());
  counters.buffer_bytes.set(memory.used_bytes());
  counters.tcp_receive_buffers_grown.set(memory.grown());
  counters.tcp_receive_buffers_refused.set(memory.growth_refused());
  counters.established_connections.set(established);
}

// Sends what may leave now. False: `out` or the pool is exhausted, and something may be left. By how much the shard's
// own counters rise is the service's part.
bool Shard::Impl::send_pending(app::Connection& connection, PacketBatch& out) {
  const uint64_t sent = counters.tcp_bytes_sent.value();
  const uint64_t again = counters.tcp_retransmitted_segments.value();
  const bool all = send_all(connection, out);
  if (const uint64_t more = counters.tcp_bytes_sent.value() - sent; more != 0)
    service_of(connection).bytes_sent.add(more);
  if (const uint64_t more = counters.tcp_retransmitted_segments.value() - again; more != 0) [[unlikely]]
    service_of(connection).retransmitted_segments.add(more);
  return all;
}

bool Shard::Impl::send_all(app::Connection& connection, PacketBatch& out) {
  if (connection.links.detached || connection.links.stray == app::Connection::Links::Stray::Claiming)
    return true;
  tcp::Tcb& tcb = connection.tcb();
  const tcp::Context context = this->context();
  tcp::PayloadRange payload;
  for (;;) {
    if (out.full()) return false;
    if (!spare && !(spare = take_packet())) return false;
    if (!tcp::next_segment(tcb, context, leaving, payload)) return true;
    emit(connection, leaving, payload, out);
  }
}

void Shard::Impl::arm(app::Connection& connection) {
  tcp::Tcb& tcb = connection.tcb();
  if (connection.links.detached) return;
  // Lazily: a deadline that has moved later is looked at again when the old one goes off.
  const Instant deadline = next_deadline(tcb);
  if (deadline != kNever && (!tcb.hot.timer.armed() || deadline < tcb.hot.timer.deadline()))
    wheel.start(tcb.hot.timer, deadline);
}

// What waits for its time alone is looked at again then.
void Shard::Impl::settle_departure(tcp::Pacing& pacing) {
  if (pacing.waiting)
    departures.start(pacing.timer, pacing.pacer.next_at());
  else
    departures.cancel(pacing.timer);
  pacing.waiting = false;
}

void Shard::Impl::settle(app::Connection& connection) {
  tcp::Tcb& tcb = connection.tcb();
  tcp::settle_timer(tcb, context());
  arm(connection);
  if (tcb.hot.flags.paced) [[unlikely]]
    settle_departure(*tcb.cold.pacing);
  const uint32_t index = connection.links.index;
  const bool waiting = delayed_acks.contains(index);
  if (tcb.hot.flags.ack_delayed && !waiting) {
    connection.links.ack_deadline = now + params.tcp.delayed_ack;
    delayed_acks.push_back(index);
  } else if (!tcb.hot.flags.ack_delayed && waiting) {
    delayed_acks.remove(index);
  }
  const bool is_established = tcb.hot.state() == tcp::State::Established;
  if (is_established != connection.links.established_counted) {
    connection.links.established_counted = is_established;
    established += is_established ? 1 : -1U;
  }
}

void Shard::Impl::leave(app::Connection& connection, PacketBatch& out) {
  if (connection.links.detached) return;
  send_pending(connection, out);
  tcp::Tcb& tcb = connection.tcb();
  const uint64_t key_hash = hash(tcb.hot.key);
  if (tcb.hot.state() == tcp::State::TimeWait)
    enter_time_wait(connection, key_hash);
  else
    table.erase(key_hash, flow::Ref(flow::Kind::Connection, connection.links.index));
  ++table_changes;
  if (connection.links.stray == app::Connection::Links::Stray::Granted &&
      tcb.hot.state() != tcp::State::TimeWait)
    release_claim({.local = connection.local(), .remote = connection.remote()});
  if (tcb.cold.fast_open.used()) end_fast_open(connection);
  connection.links.detached = true;
  wheel.cancel(tcb.hot.timer);
  if (tcb.cold.pacing != nullptr) departures.cancel(tcb.cold.pacing->timer);
  if (delayed_acks.contains(connection.links.index)) delayed_acks.remove(connection.links.index);
  tcb.cold.send.clear();
  tcp::close_flight(tcb);
  tcb.cold.reassembly.clear();
  if (connection.links.established_counted) --established;
  connection.links.established_counted = false;
  counters.tcp_closed.add();
  count_ended(connection);
}

void Shard::Impl::enter_time_wait(app::Connection& connection, uint64_t key_hash) {
  if (time_wait.full() && !time_wait_fifo.empty()) {
    const uint32_t oldest = time_wait_fifo.front();
    forget_time_wait(oldest, hash(time_wait[oldest].key));
    counters.tcp_time_wait_recycled.add();
  }
  counters.tcp_time_wait_entered.add();
  const flow::Ref from(flow::Kind::Connection, connection.links.index);
  const uint32_t index = time_wait.create(connection.tcb(), now);
  if (index == kNoIndex) {  // configured to hold none
    table.erase(key_hash, from);
    if (strays_out != 0) release_claim({.local = connection.local(), .remote = connection.remote()});
    return;
  }
  time_wait_fifo.push_back(index);
  table.replace(key_hash, from, flow::Ref(flow::Kind::TimeWait, index));
}

void Shard::Impl::forget_time_wait(uint32_t index, uint64_t key_hash) {
  if (strays_out != 0) release_claim(flow_of(time_wait[index].key));
  time_wait_fifo.remove(index);
  table.erase(key_hash, flow::Ref(flow::Kind::TimeWait, index));
  ++table_changes;
  time_wait.destroy(index);
}

void Shard::forget_time_wait() {
  while (!impl_->time_wait_fifo.empty()) {
    const uint32_t oldest = impl_->time_wait_fifo.front();
    impl_->forget_time_wait(oldest, impl_->hash(impl_->time_wait[oldest].key));
  }
}

void Shard::Impl::destroy(app::Connection& connection) {
  const uint32_t index = connection.links.index;
  wheel.cancel(connection.tcb().hot.timer);
  if (tcp::Pacing* pacing = connection.tcb().cold.pacing; pacing != nullptr) departures.cancel(pacing->timer);
  if (delayed_acks.contains(index)) delayed_acks.remove(index);
  if (connection.links.listener != kNoIndex) --listeners[connection.links.listener].open;
  connections.destroy(index);
}

}  // namespace millrace::shard
