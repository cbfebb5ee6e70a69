// receive(): a burst is parsed, looked up in bulk, then each segment is run through its connection.
#include <algorithm>

#include "shard/impl.h"
#include "tcp/close/close.h"
#include "tcp/close/reset.h"
#include "tcp/input.h"
#include "tcp/transfer/ecn.h"

namespace millrace::shard {

namespace {
constexpr size_t kLine = 64;  // octets of a cache line
}

void Shard::receive_handed_over(std::span<Packet> burst, Instant now, PacketBatch& out) {
  impl_->handed_over = true;
  receive(burst, now, out);
  impl_->handed_over = false;
}

void Shard::receive(std::span<Packet> burst, Instant now, PacketBatch& out) {
  impl_->now = now;
  if (burst.empty()) return;
  if (!impl_->handed_over) impl_->counters.rx_burst.record(burst.size());
  while (!burst.empty()) {
    const std::span<Packet> part = burst.first(std::min(kBurst, burst.size()));
    impl_->receive_burst(part, out);
    burst = burst.subspan(part.size());
  }
  impl_->show_gauges();
}

void Shard::Impl::receive_burst(std::span<Packet> burst, PacketBatch& out) {
  parse(burst, out);
  const auto resolver = [this](flow::Ref ref) -> const flow::FlowKey& { return key_of(ref); };
  for (size_t i = 0; i < burst.size(); ++i) {
    refs[i] = {};
    if (frames[i].kind != wire::FrameKind::Tcp) continue;
    refs[i] = table.candidate(hashes[i]);
    if (refs[i]) prefetch(refs[i]);
  }
  const uint64_t looked_up_at = table_changes;
  for (size_t i = 0; i < burst.size(); ++i) {
    if (frames[i].kind == wire::FrameKind::Tcp) {
      refs[i] = table_changes == looked_up_at ? table.verify(refs[i], hashes[i], keys[i], resolver)
                                              : table.find(hashes[i], keys[i], resolver);
      dispatch(i, burst[i], out);
    }
    burst[i].reset();
  }
}

void Shard::Impl::parse(std::span<Packet> burst, PacketBatch& out) {
  const wire::ParseParams parse_params{.mac = params.interface.mac, .mtu = std::max(params.interface.mtu, params.interface.largest_received)};
  uint64_t octets = 0;
  for (size_t i = 0; i < burst.size(); ++i) {
    wire::Frame& frame = frames[i];
    octets += burst[i].length();
    wire::parse_frame(burst[i], parse_params, frame);
    if (frame.kind == wire::FrameKind::Tcp) {
      const ip::LocalId local = host.local_id(frame.destination);
      if (local == ip::kNoLocal) {
        frame.kind = wire::FrameKind::Dropped;
        frame.reason = frame.to_group ? DropReason::IpMulticastTransport : DropReason::IpNotOurs;
      } else {
        keys[i] = make_key(frame.tcp.flow, local);
        hashes[i] = hash(keys[i]);
        table.prefetch(hashes[i]);
      }
    }
    if (frame.kind == wire::FrameKind::Dropped) {
      counters.drop(frame.reason);
      if (frame.checksum_unfinished) counters.peer_checksum_unfinished.add();
      if (frame.error_type != 0 && host.local_id(frame.destination) != ip::kNoLocal)
        host.send_error(frame, frame.error_type, frame.error_code, now, out);
    } else if (frame.kind != wire::FrameKind::Tcp) {
      if (shares_flows() && !handed_over && ip::Host::concerns_all(frame)) share(burst[i]);
      if (const auto error = host.receive(frame, now, out)) on_icmp_error(*error, burst[i], out);
      next_slow_look = now;
    }
  }
  if (handed_over) return;
  counters.rx_packets.add(burst.size());
  counters.rx_bytes.add(octets);
  if (host.has_news()) tell_news();
}

// A segment in sequence and its answer go through all of a connection: its lines come side by side.
void Shard::Impl::prefetch(flow::Ref ref) const {
  const auto* record = reinterpret_cast<const uint8_t*>(&key_of(ref));
  __builtin_prefetch(record);
  if (ref.kind() != flow::Kind::Connection) return;
  const auto* connection = reinterpret_cast<const uint8_t*>(&connections[ref.index()]);
  for (size_t line = 0; line < sizeof(app::Connection); line += kLine) __builtin_prefetch(connection + line);
}

const flow::FlowKey& Shard::Impl::key_of(flow::Ref ref) const {
  switch (ref.kind()) {
    case flow::Kind::SynRecord:
      return syn_queue[ref.index()].key;
    case flow::Kind::TimeWait:
      return time_wait[ref.index()].key;
    default:
      return connections[ref.index()].tcb().hot.key;
  }
}

flow::FlowKey Shard::Impl::make_key(const wire::FlowAddress& flow, ip::LocalId local) const {
  flow::FlowKey key;
  key.remote = flow.remote.address;
  key.remote_port = flow.remote.port;
  key.local_port = flow.local.port;
  key.local = local;
  return key;
}

void Shard::Impl::dispatch(size_t i, Packet& packet, PacketBatch& out) {
  wire::Frame& frame = frames[i];
  if (shares_flows() && !handed_over) {
    if (place.rss && steering_check.pending(frame.tcp.flow.remote.address.family()))
      check_steering(frame.tcp.flow);
    if (!refs[i] && hand_over(frame.tcp.flow, packet)) return;
  }
  counters.tcp_segments_received.add();
  if (!refs[i]) {
    recorder.received(now, frame.tcp, keys[i].local, tcp::State::Closed);
    return on_stranger(frame, packet, keys[i], hashes[i], out);
  }
  const uint32_t index = refs[i].index();
  switch (refs[i].kind()) {
    case flow::Kind::Connection:
      recorder.received(now, frame.tcp, keys[i].local, connections[index].state());
      return on_connection(connections[index], frame, packet, out);
    case flow::Kind::SynRecord:
      recorder.received(now, frame.tcp, keys[i].local, tcp::State::SynReceived);
      return on_syn_record(index, frame, packet, hashes[i], out);
    case flow::Kind::TimeWait:
      recorder.received(now, frame.tcp, keys[i].local, tcp::State::TimeWait);
      return on_time_wait(index, frame, packet, hashes[i], out);
  }
}

void Shard::Impl::on_connection(app::Connection& connection, wire::Frame& frame, Packet& packet,
                                PacketBatch& out) {
  tcp::Tcb& tcb = connection.tcb();
  const Seq snd_una = tcb.hot.snd_una;
  const bool opening = !tcb.hot.flags.syn_acked;
  const uint64_t received = counters.tcp_bytes_received.value();
  const tcp::Verdict verdict = tcp::on_segment(tcb, frame.tcp, packet, context());
  recorder.conclude(tcb.hot.state());
  if (const uint64_t more = counters.tcp_bytes_received.value() - received; more != 0)
    service_of(connection).bytes_received.add(more);
  if (!verdict.is_taken()) {
    counters.drop(verdict.reason());
    service_of(connection).dropped_segments.add();
    if (verdict.wants_reset())
      reply_reset(frame, tcb.hot.state(), out);
    else
      spend_reset(frame.tcp);
  }
  if (tcb.hot.snd_una != snd_una) host.confirm(connection.remote().address, now);
  if (opening && tcb.hot.flags.syn_acked) end_handshake(connection);
  make_ready(connection);
  if (tcb.hot.state() == tcp::State::Closed || tcb.hot.state() == tcp::State::TimeWait)
    leave(connection, out);
}

void Shard::Impl::on_syn_record(uint32_t index, wire::Frame& frame, Packet& packet, uint64_t record_hash,
                                PacketBatch& out) {
  DropReason reason{};
  const tcp::SynAction action = tcp::on_segment(syn_queue[index], frame.tcp, reason);
  if (action == tcp::SynAction::Promote) {
    Listener& listener = listeners[syn_queue[index].listener];
    if (!has_accept_room(listener)) {
      overflow_accept_queue(listener, frame, out);
      if (params.tcp.accept_overflow == AcceptOverflow::Drop) return;  // the peer sends again
      counters.tcp_open_failures.add();
      return forget_syn_record(index, record_hash);
    }
    app::Connection* connection = promote(index, frame.tcp.flow, record_hash);
    if (connection != nullptr) {
      host.heard_handshake(frame.source, frame.source_mac, now, out);
      return on_connection(*connection, frame, packet, out);
    }
    return counters.drop(DropReason::TcpConnectionsFull);  // the peer sends again, and so does the record
  }
  const tcp::SynRecord& record = syn_queue[index];
  if (action == tcp::SynAction::Reset && brings_cookie(record.listener, frame.tcp)) {
    // An earlier SYN of the same handshake was answered by a cookie, and the peer has that one.
    const flow::FlowKey key = record.key;
    forget_syn_record(index, record_hash);
    return on_stranger(frame, packet, key, record_hash, out);
  }
  const uint32_t ts_offset =
      isn.timestamp_offset(frame.tcp.flow.local.address, frame.tcp.flow.remote.address);
  wire::Segment answer;
  recorder.conclude(action == tcp::SynAction::Remove ? tcp::State::Listen : tcp::State::SynReceived);
  switch (action) {
    case tcp::SynAction::Answer:
      // RFC 3168 §6.1.1.1: the peer has fallen back, and what it now believes is not known.
      if (!tcp::is_ecn_setup_syn(frame.tcp)) syn_queue[index].ecn = 0;
      tcp::syn_ack(record, params.tcp, ts_offset, now, answer);
      counters.tcp_syn_acks_retransmitted.add();
      return reply(frame, answer, tcp::State::SynReceived, out);
    case tcp::SynAction::Acknowledge:
      counters.drop(reason);
      spend_reset(frame.tcp);
      if (!may_answer(syn_queue[index], frame.tcp)) return;
      tcp::acknowledge(record, ts_offset, now, answer);
      return reply(frame, answer, tcp::State::SynReceived, out);
    case tcp::SynAction::Reset:
      counters.drop(reason);
      return reply_reset(frame, tcp::State::SynReceived, out);
    case tcp::SynAction::Remove:
      if (frame.tcp.flags.rst()) counters.tcp_resets_received.add();
      counters.tcp_open_failures.add();
      return forget_syn_record(index, record_hash);
    default:
      spend_reset(frame.tcp);
      return counters.drop(reason);
  }
}

// What would be answered by a RST if there were no connection (on_stranger()) takes one of the shard's RSTs
// from us too. Otherwise somebody off the path who sends such segments in the name of others, and counts the
// RSTs that are left for himself, would learn which connections there are.
void Shard::Impl::spend_reset(const wire::Segment& segment) {
  if (segment.flags.rst()) return;
  if (segment.flags.ack() || draining || listening.find(segment.flow.local) == kNoIndex)
    resets.take(now, params.tcp.resets_per_second);
}

// RFC 5961 §7 for the records, which have little room to count. Text may be a retransmission.
bool Shard::Impl::may_answer(tcp::SynRecord& record, const wire::Segment& segment) {
  if (segment.payload_length != 0) return true;
  if (segment.flags.rst() || segment.flags.syn()) {
    if (record.challenged) {
      counters.tcp_challenge_acks_limited.add();
      return false;
    }
    record.challenged = 1;
  }
  return tcp::may_challenge(context());
}

bool Shard::Impl::may_answer(tcp::TimeWaitRecord& record, const wire::Segment& segment) {
  if (record.answers == tcp::TimeWaitRecord::kAnswers) {
    counters.tcp_acks_limited.add();
    return false;
  }
  ++record.answers;
  return !(segment.flags.rst() || segment.flags.syn()) || tcp::may_challenge(context());
}

void Shard::Impl::on_time_wait(uint32_t index, wire::Frame& frame, Packet& packet, uint64_t record_hash,
                               PacketBatch& out) {
  if (reopen_by_cookie(index, frame, packet, record_hash, out)) return;
  tcp::TimeWaitRecord& record = time_wait[index];
  DropReason reason{};
  const tcp::TimeWaitAction action = tcp::on_segment(record, frame.tcp, params.tcp, reason);
  recorder.conclude(tcp::State::TimeWait);
  switch (action) {
    case tcp::TimeWaitAction::Restart:
      record.since = now;
      time_wait_fifo.move_to_back(index);
      [[fallthrough]];
    case tcp::TimeWaitAction::Acknowledge:
      if (action == tcp::TimeWaitAction::Acknowledge) {
        counters.drop(reason);
        spend_reset(frame.tcp);
        if (!may_answer(record, frame.tcp)) return;
      }
      return acknowledge_time_wait(record, frame, out);
    case tcp::TimeWaitAction::Reopen:
      return reopen_time_wait(index, frame, record_hash, out);
    case tcp::TimeWaitAction::Remove:
      counters.tcp_resets_received.add();
      recorder.conclude(tcp::State::Closed);
      return forget_time_wait(index, record_hash);
    case tcp::TimeWaitAction::Drop:
      spend_reset(frame.tcp);
      return counters.drop(reason);
  }
}

void Shard::Impl::acknowledge_time_wait(tcp::TimeWaitRecord& record, const wire::Frame& frame,
                                        PacketBatch& out) {
  wire::Segment answer;
  tcp::acknowledge(record, now, answer);
  reply(frame, answer, tcp::State::TimeWait, out);
}

// RFC 9293 §3.6.1 (MAY-2).
void Shard::Impl::reopen_time_wait(uint32_t index, wire::Frame& frame, uint64_t record_hash,
                                   PacketBatch& out) {
  tcp::TimeWaitRecord& record = time_wait[index];
  const wire::FlowAddress& flow = frame.tcp.flow;
  const uint32_t listener = draining ? kNoIndex : listening.find(flow.local);
  if (listener == kNoIndex || !owns(flow)) {
    // Nobody would take the new connection: the old one's quiet time goes on.
    counters.drop(DropReason::TcpStateIgnores);
    spend_reset(frame.tcp);
    if (!may_answer(record, frame.tcp)) return;
    return acknowledge_time_wait(record, frame, out);
  }
  const flow::FlowKey key = make_key(flow, record.key.local);
  const Seq iss = tcp::iss_beyond(record, isn.isn(flow, now));
  // Answered by a cookie nobody has the ends yet: the wait goes on until the cookie comes back.
  if (!accept_syn(listener, frame, key, record_hash, iss, out, &record)) return;
  counters.tcp_time_wait_reopened.add();
  forget_time_wait(index, record_hash);
}

// RFC 9293 §3.10.7.1 (CLOSED) and §3.10.7.2 (LISTEN).
void Shard::Impl::on_stranger(wire::Frame& frame, Packet& packet, const flow::FlowKey& key, uint64_t key_hash,
                              PacketBatch& out) {
  const wire::Flags flags = frame.tcp.flags;
  const uint32_t listener = draining ? kNoIndex : listening.find(frame.tcp.flow.local);
  if (flags.rst()) return counters.drop(DropReason::TcpNoConnection);
  // RFC 9293 §3.9.2.3: nothing is answered that claims to come from us or from everybody.
  if (!host.source_acceptable(frame.source)) return counters.drop(DropReason::IpSourceInvalid);
  if (listener != kNoIndex && flags.ack() && !flags.syn() &&
      accept_by_cookie(listener, frame, packet, key, key_hash, out))
    return;
  if (listener == kNoIndex || flags.ack()) {
    counters.drop(DropReason::TcpNoConnection);
    return reply_reset(frame, listener == kNoIndex ? tcp::State::Closed : tcp::State::Listen, out);
  }
  if (!flags.syn()) return counters.drop(DropReason::TcpStateIgnores);
  accept_syn(listener, frame, key, key_hash, isn.isn(frame.tcp.flow, now), out);
}

}  // namespace millrace::shard
