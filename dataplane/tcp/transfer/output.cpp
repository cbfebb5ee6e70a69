#include "tcp/transfer/output.h"

#include <algorithm>

#include "base/check.h"
#include "tcp/open/fast_open.h"
#include "tcp/open/negotiation.h"
#include "tcp/transfer/congestion.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/ecn.h"
#include "tcp/transfer/flight.h"
#include "tcp/transfer/keepalive.h"
#include "tcp/transfer/loss_recovery.h"
#include "tcp/transfer/pacing.h"
#include "tcp/transfer/path_mtu.h"
#include "tcp/transfer/paws.h"
#include "tcp/transfer/urgent.h"
#include "tcp/transfer/user_timeout.h"
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
  if (tcb.cold.settings.rare() != nullptr) [[unlikely]]
    mark_urgent(tcb, segment);
  if (tcb.hot.flags.sack && tcb.cold.reassembly.has_sack()) [[unlikely]]
    fill_sack(tcb, length, segment);
  if (tcb.hot.ecn.echo()) [[unlikely]]
    echo_ce(tcb.hot.ecn, segment);
  note_ack_sent(tcb.hot);
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

// RFC 7413 §4.2.2: the cookie goes with the first SYN-ACK alone.
void grant_first(const Tcb& tcb, const Context& context, wire::Segment& syn_ack) {
  const FastOpenState& state = tcb.cold.fast_open;
  grant_cookie({.accepted = true, .granted = state.granted, .experimental = state.experimental},
               tcb.hot.key.remote, context, syn_ack);
}

[[gnu::cold]] bool send_syn(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload) {
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
    if (!tcb.cold.scaling) segment.options.window_scale.reset();
    segment.options.sack_permitted = hot.flags.sack;
    stamp(tcb, context.now, segment);
    note_ack_sent(hot);
    if (!again && tcb.cold.fast_open.granted) grant_first(tcb, context, segment);
  }
  set_up_ecn(tcb, context.params, segment);
  if (again) {
    hot.flags.timing = false;
    ++tcb.cold.retransmits;
    context.counters.tcp_retransmitted_segments.add();
  } else {
    hot.snd_nxt = tcb.cold.iss + 1;
    hot.flags.timing = true;
    tcb.cold.last_sent_at = context.now;
    if (tcb.cold.fast_open.wanted && hot.state() == State::SynSent)
      fast_open_syn(tcb, context, segment, payload);
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
  renew_last_sent(tcb, context.now);
}

// [begin, begin + length) once more, with the FIN or without.
void fill_again(Tcb& tcb, const Context& context, Seq begin, Bytes length, bool fin, wire::Segment& segment,
                PayloadRange& payload) {
  ++tcb.cold.retransmits;
  context.counters.tcp_retransmitted_segments.add();
  context.counters.tcp_retransmitted_bytes.add(length);
  if (tcb.cold.probing_mtu) [[unlikely]]
    note_resent_while_probing(tcb, begin, context);
  fill_data(tcb, context, begin, length, fin, segment, payload);
}

// What is known to be lost, as the congestion window allows; the first segment whatever it says.
[[gnu::cold]] bool send_again(Tcb& tcb, const Context& context, wire::Segment& segment,
                              PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  Flight& flight = *hot.flight;
  if (flight.frto.active() && !hot.flags.retransmit_forced) return false;  // RFC 5682 §2.1 step 2 (b)
  const uint16_t lost = flight.board.first_lost();
  MILLRACE_CHECK(lost != recovery::Scoreboard::kNone);
  const Seq begin = flight.board.run(lost).begin;
  const Seq lost_end = flight.board.run_end(lost);
  const Bytes data = begin.before(hot.snd_end) ? hot.snd_end - begin : 0;
  Bytes length = std::min({Bytes{hot.mss}, lost_end - begin, data});
  if (!hot.flags.retransmit_forced && in_flight(tcb) + length > hot.cwnd) return false;
  // A window that has shrunk is honoured; the persist timer asks on when nothing fits.
  const Seq right_edge = hot.snd_una + hot.snd_wnd;
  if ((begin + length).after(right_edge)) length = begin.before(right_edge) ? right_edge - begin : 0;
  const bool fin = hot.fin_sent() && begin + length == hot.snd_end && begin + length != lost_end;
  if (length == 0 && !fin) return false;
  if (!hot.flags.retransmit_forced && !may_depart(tcb, context.now)) return false;
  const Seq end = begin + length + (fin ? 1 : 0);
  if (flight.board.room() < 2) grow_flight(tcb);
  flight.board.resent(begin, end, context.now);
  hot.flags.retransmit_forced = false;
  note_resent(tcb, begin, end, context);
  if (hot.flags.paced) [[unlikely]]
    note_departure(tcb, length, context.now);
  // RFC 6298 §5 lets the timer run on. But it measures the time of the first octet outstanding, which leaves
  // again now, behind all that is in the path's queue: nearly a time-out later than the last restart.
  if (flight.phase == Phase::Recovery && begin == hot.snd_una)
    hot.rtx_deadline = context.now + Micros(hot.rto_us);
  fill_again(tcb, context, begin, length, fin, segment, payload);
  return true;
}

// SYN counts as no data that Nagle's algorithm would wait for (RFC 9293 §3.7.4).
bool has_data_in_flight(const TcbHot& hot) {
  return hot.flags.syn_acked ? hot.has_flight() : hot.snd_nxt.after(hot.snd_una + 1);
}

// Text of a SYN goes again: the SYN has cut it, not the application, which has nothing small to wait for.
bool is_refused_syn_text(const Tcb& tcb) {
  const FastOpenState& state = tcb.cold.fast_open;
  return state.data_in_syn && !state.data_taken && tcb.hot.snd_nxt == tcb.cold.iss + 1;
}

// Sender's silly-window avoidance and Nagle's algorithm (RFC 9293 §3.8.6.2.1, §3.7.4) for `length` octets of
// `unsent`, cut by the window. Only small segments wait for small ones, as draft-minshall-nagle-01 has it: the
// end of a longer write need not wait for the delayed acknowledgement of its beginning.
bool is_worth_sending(const Tcb& tcb, Bytes length, Bytes unsent) {
  const TcbHot& hot = tcb.hot;
  if (length == hot.mss) return true;
  if (length == unsent) {
    if (hot.flags.fin_queued) return true;
    return !tcb.cold.corked && (!tcb.cold.small_in_flight || !has_data_in_flight(hot) || hot.flags.no_delay);
  }
  return length >= tcb.cold.max_snd_wnd / 2;
}

void restart_after_idle(Tcb& tcb, const Context& context) {
  if (!context.params.idle_restart) return;
  if (tcb.hot.has_flight() || context.now - tcb.cold.last_sent_at <= Micros(tcb.hot.rto_us)) return;
  tcb.cold.cc.on_idle_restart(context.now, context.params.initial_window_segments);
  tcb.hot.cwnd = tcb.cold.cc.cwnd();
}

// Where what leaves at this instant began.
Seq burst_begin(const Tcb& tcb) {
  const TcbHot& hot = tcb.hot;
  if (hot.flight == nullptr) return hot.snd_una;  // one run
  const recovery::Scoreboard& board = hot.flight->board;
  if (board.empty()) return hot.snd_nxt;
  const recovery::Run& last = board.run(static_cast<uint16_t>(board.size() - 1U));
  const bool fresh = last.sent_at == tcb.cold.last_sent_at && last.spread == 0 && !last.retransmitted;
  return fresh ? last.begin : hot.snd_nxt;
}

// A sender with TSO hands its driver so much at once: half the congestion window at most, lest the ACK clock
// stop.
bool ends_part(const Tcb& tcb, const Context& context, Bytes length) {
  const Bytes mss = tcb.hot.mss;
  const Bytes part = std::min(context.params.push_segments, tcb.hot.cwnd / mss / 2) * mss;
  return part > mss && (tcb.hot.snd_nxt + length - burst_begin(tcb)) % part == 0;
}

// The windows end a burst of several segments here, or a part of it does: the peer's GRO need not wait for
// more (RFC 9293 §3.9.1.2 leaves it to us when to push what is queued).
[[gnu::cold]] bool ends_burst(const Tcb& tcb, const Context& context, Bytes length) {
  const TcbHot& hot = tcb.hot;
  if (!hot.has_flight() || tcb.cold.last_sent_at != context.now) return false;
  const Seq next = hot.snd_nxt + length;
  const Bytes room = (hot.snd_una + hot.snd_wnd).after(next) ? hot.snd_una + hot.snd_wnd - next : 0;
  return room < hot.mss || in_flight(tcb) + length + hot.mss > hot.cwnd + limited_transmit(tcb) ||
         ends_part(tcb, context, length);
}

// New data: it alone is ECN-capable (RFC 3168 §6.1.4, §6.1.5, §6.1.6).
void take_as_sent(Tcb& tcb, const Context& context, bool fin, wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  const Bytes length = segment.payload_length;
  MILLRACE_CHECK(hot.flight == nullptr || hot.flight->board.end() == hot.snd_nxt);
  if (hot.ecn.sends_ect() && length != 0 && !is_refused_syn_text(tcb)) hot.ecn.mark(segment);
  // RFC 6298 §5.1; what may run while nothing is in flight is the persist timer's time.
  if (!hot.has_flight() || hot.rtx_deadline == kNever)
    hot.rtx_deadline = context.now + Micros(hot.rto_us);
  hot.snd_nxt += length + (fin ? 1 : 0);
  note_sent(tcb, context.now);
  if (hot.flight != nullptr) {
    if (hot.flight->phase == Phase::Recovery) hot.flight->prr.on_sent(length);
    schedule_probe(tcb, context.now);
  }
  if (hot.flags.paced) [[unlikely]]
    note_departure(tcb, length, context.now);
  tcb.cold.bytes_sent += length;
  context.counters.tcp_bytes_sent.add(length);
}

// RFC 4821 §7.6: ordinary text, in a segment larger than any before.
[[gnu::cold]] bool send_mtu_probe(Tcb& tcb, const Context& context, Bytes unsent, Bytes usable,
                                  wire::Segment& segment, PayloadRange& payload) {
  const Bytes length = next_probe(tcb, unsent, usable, context);
  if (length == 0) return false;
  open_flight(tcb);
  fill_data(tcb, context, tcb.hot.snd_nxt, length, false, segment, payload);
  take_as_sent(tcb, context, false, segment);
  note_probe_sent(tcb, length, context);
  return true;
}

bool send_new(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  if (!hot.has_unsent()) return false;
  const Seq right_edge = hot.snd_una + hot.snd_wnd;
  if (!hot.snd_nxt.before(right_edge)) return false;
  restart_after_idle(tcb, context);
  const Bytes usable = right_edge - hot.snd_nxt;
  const Bytes unsent = hot.snd_nxt.before(hot.snd_end) ? hot.snd_end - hot.snd_nxt : 0;
  if (tcb.cold.probing_mtu) [[unlikely]]
    if (send_mtu_probe(tcb, context, unsent, usable, segment, payload)) return true;
  const Bytes length = std::min({unsent, usable, Bytes{hot.mss}});
  if (in_flight(tcb) + length > hot.cwnd + limited_transmit(tcb)) return false;
  // RFC 9293 §3.10.4: a CLOSE behind data waits for ESTABLISHED.
  const bool fin = hot.flags.fin_queued && length == unsent && usable > length &&
                   hot.state() != State::SynReceived;
  if (length == 0 && !fin) return false;
  if (length != 0 && (!is_worth_sending(tcb, length, unsent) || !may_depart(tcb, context.now))) return false;
  if (length < hot.mss)
    tcb.cold.small_in_flight = length != 0 && !is_refused_syn_text(tcb);
  else if (!has_data_in_flight(hot))
    tcb.cold.small_in_flight = false;
  const bool push = context.params.push_bursts && ends_burst(tcb, context, length);
  fill_data(tcb, context, hot.snd_nxt, length, fin, segment, payload);
  if (push && length != 0) segment.flags = segment.flags | wire::kPsh;
  take_as_sent(tcb, context, fin, segment);
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
  if (hot.has_flight()) open_flight(tcb).board.resent_in_flight(begin, context.now);
  if (end.after(hot.snd_nxt)) {
    hot.snd_nxt = end;
    note_sent(tcb, context.now);
  }
  return true;
}

// RFC 8985 §7.3: a new segment, whatever the congestion window says, or else the last one once more. The
// peer's answer brings RACK what it needs, so that the tail is not left to the time-out.
[[gnu::cold]] bool send_tail_probe(Tcb& tcb, const Context& context, wire::Segment& segment,
                                   PayloadRange& payload) {
  TcbHot& hot = tcb.hot;
  Flight& flight = *hot.flight;
  flight.probe_due = false;
  if (!hot.has_flight() || flight.busy()) return false;
  const Seq right_edge = hot.snd_una + hot.snd_wnd;
  const Bytes unsent = hot.snd_nxt.before(hot.snd_end) ? hot.snd_end - hot.snd_nxt : 0;
  const Bytes usable = hot.snd_nxt.before(right_edge) ? right_edge - hot.snd_nxt : 0;
  const Bytes fresh = std::min({unsent, usable, Bytes{hot.mss}});
  if (fresh != 0) {
    fill_data(tcb, context, hot.snd_nxt, fresh, false, segment, payload);
    take_as_sent(tcb, context, false, segment);
    flight.probe_retransmission = false;
  } else {
    const bool fin = hot.fin_sent();
    // What left last, and no more: a FIN that followed its data later goes alone.
    const Seq last = flight.board.run(static_cast<uint16_t>(flight.board.size() - 1U)).begin;
    const Bytes octets = hot.snd_nxt - later(hot.snd_una, last) - (fin ? 1 : 0);
    const Bytes length = std::min<Bytes>(octets, hot.mss);
    const Seq begin = hot.snd_nxt - (fin ? 1 : 0) - length;
    flight.board.resent_in_flight(begin, context.now);
    if (hot.flags.paced) note_departure(tcb, length, context.now);
    fill_again(tcb, context, begin, length, fin, segment, payload);
    flight.probe_retransmission = true;
  }
  flight.probe_outstanding = true;
  flight.probe_end = hot.snd_nxt;
  flight.early = Early::Nothing;
  flight.early_at = kNever;
  hot.flags.unpredictable = true;
  note_waiting(tcb);
  hot.rtx_deadline = context.now + Micros(hot.rto_us);
  context.counters.tcp_tail_loss_probes_sent.add();
  return true;
}

bool send_keepalive_probe(Tcb& tcb, const Context& context, wire::Segment& segment) {
  if (tcb.cold.settings.rare() == nullptr || !next_keepalive_probe(tcb, context, segment)) return false;
  fill(tcb, context.now, segment.seq, wire::Flags(), segment.payload_length, segment);
  return true;
}

bool send_ack(Tcb& tcb, const Context& context, wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  if (hot.duplicate_acks_due != 0)
    --hot.duplicate_acks_due;
  else if (!hot.flags.ack_now && !is_window_update_due(tcb))
    return send_keepalive_probe(tcb, context, segment);
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
  segment.clear();
  payload = PayloadRange{};
  if (hot.flags.reset_due) return send_reset(tcb, context.now, segment);
  if (state == State::Closed) return false;
  if (hot.flags.syn_due) return send_syn(tcb, context, segment, payload);
  if (state == State::SynSent) return false;
  // Duplicate acknowledgements leave bare, and before data would renew the peer's idea of our window.
  if (hot.duplicate_acks_due != 0) return send_ack(tcb, context, segment);
  if (may_send_text(state)) {
    if (hot.flight != nullptr) {
      if (hot.flight->board.has_lost() && send_again(tcb, context, segment, payload)) return true;
      if (hot.flight->probe_due && send_tail_probe(tcb, context, segment, payload)) return true;
    }
    if (hot.flags.probe_due && send_probe(tcb, context, segment, payload)) return true;
    if (send_new(tcb, context, segment, payload)) return true;
    if (hot.flags.paced) [[unlikely]]
      note_out_of_data(tcb);
  } else if (state == State::SynReceived && may_send_early(tcb)) {
    if (send_new(tcb, context, segment, payload)) return true;
  }
  return send_ack(tcb, context, segment);
}

}  // namespace millrace::tcp
