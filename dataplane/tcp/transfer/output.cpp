#include "tcp/transfer/output.h"

#include <algorithm>

#include "tcp/open/negotiation.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/paws.h"
#include "tcp/transfer/window.h"

namespace millrace::tcp {

namespace {

void stamp(const Tcb& tcb, Instant now, wire::Segment& segment) {
  if (!tcb.hot.flags.timestamps) return;
  segment.options.timestamps =
      wire::Timestamps{.value = timestamp_clock(now) + tcb.hot.ts_offset, .echo_reply = tcb.hot.ts_recent};
}

// RFC 2018 §3 and §4, in the room that the segment's text leaves.
[[gnu::cold]] void fill_sack(Tcb& tcb, Bytes length, wire::Segment& segment) {
  const Bytes room = tcb.hot.mss - std::min<Bytes>(length, tcb.hot.mss);
  const Bytes most = tcb.hot.flags.timestamps ? 3 : 4;
  const Bytes blocks = room < 4 ? 0 : std::min(most, (room - 4) / 8);
  tcb.cold.reassembly.fill_sack(segment.options, static_cast<uint8_t>(blocks));
}

// Every segment after the SYN: ACK, window, timestamps, SACK.
void fill(Tcb& tcb, Instant now, Seq seq, wire::Flags flags, Bytes length, wire::Segment& segment) {
  segment.seq = seq;
  segment.ack = tcb.hot.rcv_nxt;
  segment.flags = flags | wire::kAck;
  segment.window = offer_window(tcb);
  stamp(tcb, now, segment);
  if (tcb.hot.flags.sack && tcb.cold.reassembly.has_sack()) [[unlikely]]
    fill_sack(tcb, length, segment);
  note_ack_sent(tcb.hot);
}

void start_timing(TcbHot& hot, Seq end, Instant now) {
  if (hot.flags.timing) return;
  hot.flags.timing = true;
  hot.timed_seq = end;
  hot.timed_at_us = static_cast<uint32_t>(now.time_since_epoch().count());
}

// SND.NXT, or the right edge where a window probe has gone beyond it: from there the peer would not take even
// an acknowledgement, and two full windows would wait for each other for ever.
Seq acceptable_seq(const TcbHot& hot) {
  return hot.flags.syn_acked ? earlier(hot.snd_nxt, hot.snd_una + hot.snd_wnd) : hot.snd_nxt;
}

bool send_reset(Tcb& tcb, Instant now, wire::Segment& segment) {
  tcb.hot.flags.reset_due = false;
  segment.seq = acceptable_seq(tcb.hot);  // RFC 9293 §3.10.5
  segment.flags = wire::kRst;
  stamp(tcb, now, segment);  // RFC 7323 §3.2
  if (segment.options.timestamps) segment.options.timestamps->echo_reply = 0;
  return true;
}

bool send_syn(Tcb& tcb, const Context& context, wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  hot.flags.syn_due = false;
  const bool again = hot.snd_nxt != tcb.cold.iss;
  segment.seq = tcb.cold.iss;
  segment.flags = wire::kSyn;
  segment.options = offer(tcb.cold.our_mss, tcb.cold.receive_buffer, context.params);
  if (hot.state() == State::SynSent) {
    segment.window = offer_syn_window(tcb);
    if (segment.options.timestamps)
      segment.options.timestamps->value = timestamp_clock(context.now) + hot.ts_offset;
  } else {
    segment.flags = wire::kSyn | wire::kAck;
    segment.ack = hot.rcv_nxt;
    segment.window = offer_syn_window(tcb);
    if (!hot.flags.timestamps) segment.options.timestamps.reset();
    segment.options.sack_permitted = hot.flags.sack;
    stamp(tcb, context.now, segment);
    note_ack_sent(hot);
  }
  if (again) {
    hot.flags.timing = false;
    ++tcb.cold.retransmits;
    context.counters.tcp_retransmitted_segments.add();
  } else {
    hot.snd_nxt = tcb.cold.iss + 1;
    start_timing(hot, hot.snd_nxt, context.now);
  }
  return true;
}

// [begin, begin + length), with the FIN when that ends the stream.
void fill_data(Tcb& tcb, const Context& context, Seq begin, Bytes length, bool fin, wire::Segment& segment,
               PayloadRange& payload) {
  const TcbHot& hot = tcb.hot;
  wire::Flags flags;
  if (length != 0 && begin + length == hot.snd_end)
    flags = flags | wire::kPsh;  // the end of what was written
  if (fin) flags = flags | wire::kFin;
  const Seq first_octet = hot.flags.syn_acked ? hot.snd_una : hot.snd_una + 1;
  fill(tcb, context.now, begin, flags, length, segment);
  segment.payload_length = length;
  payload = {.offset = begin - first_octet, .length = length};
  tcb.cold.last_sent_at = context.now;
}

// What is known to be lost, as the congestion window allows; the first segment whatever it says.
bool send_again(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  auto& recovery = tcb.cold.recovery;
  if (!recovery.has_lost()) return false;
  Seq begin = recovery.lost_begin();
  if (!hot.flags.syn_acked && begin == tcb.cold.iss) begin += 1;  // the SYN has a flag of its own
  const Bytes data = begin.before(hot.snd_end) ? hot.snd_end - begin : 0;
  Bytes length = std::min({Bytes{hot.mss}, recovery.lost_end() - begin, data});
  if (!hot.flags.retransmit_forced && flight(tcb) + length > hot.cwnd) return false;
  // A window that has shrunk is honoured; the persist timer asks on when nothing fits.
  const Seq right_edge = hot.snd_una + hot.snd_wnd;
  if ((begin + length).after(right_edge)) length = begin.before(right_edge) ? right_edge - begin : 0;
  const bool fin = hot.fin_sent() && begin + length == hot.snd_end && begin + length != recovery.lost_end();
  if (length == 0 && !fin) return false;
  hot.flags.retransmit_forced = false;
  hot.flags.timing = false;
  recovery.retransmitted(begin + length + (fin ? 1 : 0));
  ++tcb.cold.retransmits;
  context.counters.tcp_retransmitted_segments.add();
  context.counters.tcp_retransmitted_bytes.add(length);
  fill_data(tcb, context, begin, length, fin, segment, payload);
  return true;
}

// Sender's silly-window avoidance and Nagle's algorithm (RFC 9293 §3.8.6.2.1, §3.7.4) for `length` octets of
// `unsent`, cut by the window.
bool is_worth_sending(const Tcb& tcb, Bytes length, Bytes unsent) {
  const TcbHot& hot = tcb.hot;
  if (length == hot.mss) return true;
  if (length == unsent) return !hot.has_flight() || hot.flags.no_delay || hot.flags.fin_queued;
  return length >= tcb.cold.max_snd_wnd / 2;
}

void restart_after_idle(Tcb& tcb, const Context& context) {
  if (tcb.hot.has_flight() || context.now - tcb.cold.last_sent_at <= Micros(tcb.hot.rto_us)) return;
  tcb.cold.cc.on_idle_restart(context.now, context.params.initial_window_segments);
  tcb.hot.cwnd = tcb.cold.cc.cwnd();
}

void take_as_sent(Tcb& tcb, const Context& context, Bytes length, bool fin) {
  TcbHot& hot = tcb.hot;
  hot.snd_nxt += length + (fin ? 1 : 0);
  start_timing(hot, hot.snd_nxt, context.now);
  if (hot.rtx_deadline == kNever) hot.rtx_deadline = context.now + Micros(hot.rto_us);
  tcb.cold.bytes_sent += length;
  context.counters.tcp_bytes_sent.add(length);
}

bool send_new(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  if (!hot.has_unsent()) return false;
  const Seq right_edge = hot.snd_una + hot.snd_wnd;
  if (!hot.snd_nxt.before(right_edge)) return false;
  restart_after_idle(tcb, context);
  const Bytes usable = right_edge - hot.snd_nxt;
  const Bytes unsent = hot.snd_nxt.before(hot.snd_end) ? hot.snd_end - hot.snd_nxt : 0;
  const Bytes length = std::min({unsent, usable, Bytes{hot.mss}});
  if (flight(tcb) + length > hot.cwnd) return false;
  const bool fin = hot.flags.fin_queued && length == unsent && usable > length;
  if (length == 0 && !fin) return false;
  if (length != 0 && !is_worth_sending(tcb, length, unsent)) return false;
  fill_data(tcb, context, hot.snd_nxt, length, fin, segment, payload);
  take_as_sent(tcb, context, length, fin);
  return true;
}

// One octet (or the FIN) beyond a closed window, or what a small window takes (RFC 9293 §3.8.6.1).
bool send_probe(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  hot.flags.probe_due = false;
  const Seq begin = hot.snd_una;
  const Bytes data = begin.before(hot.snd_end) ? hot.snd_end - begin : 0;
  if (data == 0 && !hot.flags.fin_queued) return false;
  const Bytes length = std::min({data, std::max<Bytes>(1, hot.snd_wnd), Bytes{hot.mss}});
  const bool fin = length == 0;
  const Seq end = begin + length + (fin ? 1 : 0);
  context.counters.tcp_window_probes_sent.add();
  fill_data(tcb, context, begin, length, fin, segment, payload);
  if (end.after(hot.snd_nxt)) hot.snd_nxt = end;
  return true;
}

bool send_ack(Tcb& tcb, const Context& context, wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  if (hot.duplicate_acks_due != 0)
    --hot.duplicate_acks_due;
  else if (!hot.flags.ack_now && !is_window_update_due(tcb))
    return false;
  fill(tcb, context.now, acceptable_seq(hot), wire::Flags(), 0, segment);
  return true;
}

bool may_send_text(State state) {
  return can_send(state) || state == State::FinWait1 || state == State::Closing || state == State::LastAck;
}

}  // namespace

bool is_window_update_due(const Tcb& tcb) {
  // Before any text the handshake's window suffices: the first acknowledgement will tell the rest.
  if (!can_receive(tcb.hot.state()) || tcb.cold.bytes_received == 0) return false;
  const Bytes buffer = tcb.cold.receive_buffer;
  return window_gain(tcb) >= std::min<Bytes>(buffer / 2, std::max<Bytes>(2 * tcb.hot.mss, buffer / 4));
}

bool next_segment(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  const State state = hot.state();
  segment = wire::Segment{};
  payload = PayloadRange{};
  if (hot.flags.reset_due) return send_reset(tcb, context.now, segment);
  if (state == State::Closed) return false;
  if (hot.flags.syn_due) return send_syn(tcb, context, segment);
  if (state == State::SynSent) return false;
  // Duplicate acknowledgements leave bare, and before data would renew the peer's idea of our window.
  if (hot.duplicate_acks_due != 0) return send_ack(tcb, context, segment);
  if (may_send_text(state)) {
    if (send_again(tcb, context, segment, payload)) return true;
    if (hot.flags.probe_due && send_probe(tcb, context, segment, payload)) return true;
    if (send_new(tcb, context, segment, payload)) return true;
  }
  return send_ack(tcb, context, segment);
}

}  // namespace millrace::tcp
