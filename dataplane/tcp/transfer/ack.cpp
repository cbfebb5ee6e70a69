#include "tcp/transfer/ack.h"

#include <algorithm>
#include <optional>

#include "tcp/close/challenge.h"
#include "tcp/close/close.h"
#include "tcp/open/handshake.h"
#include "tcp/steps.h"
#include "tcp/transfer/congestion.h"
#include "tcp/transfer/ecn.h"
#include "tcp/transfer/flight.h"
#include "tcp/transfer/loss_recovery.h"
#include "tcp/transfer/path_mtu.h"
#include "tcp/transfer/paws.h"
#include "tcp/transfer/user_timeout.h"

namespace millrace::tcp {

namespace {

recovery::RtoBounds bounds(const TcpParams& params) {
  return {.initial = params.rto_initial, .min = params.rto_min, .max = params.rto_max};
}

// The round trip that the echoed timestamp tells where a retransmission has made the clock ambiguous: none
// when it names an earlier copy, for then a lost acknowledgement would count as a round trip as long as the
// time-out.
std::optional<Micros> rtt_by_timestamp(const Tcb& tcb, const wire::Segment& segment, Instant now) {
  if (!tcb.hot.flags.timestamps || !segment.options.timestamps) return std::nullopt;
  const uint32_t sent_ms = segment.options.timestamps->echo_reply - tcb.hot.ts_offset;
  const uint32_t elapsed_ms = timestamp_clock(now) - sent_ms;
  if (elapsed_ms > 600'000) return std::nullopt;  // not of our making
  if (static_cast<int32_t>(sent_ms - timestamp_clock(tcb.cold.last_sent_at)) < 0) return std::nullopt;
  return Micros(std::max<int64_t>(1, elapsed_ms) * 1000);
}

// A sample also ends the backoff; without one it stays in force (Karn's algorithm, RFC 6298 §3 and §5.5).
void take_rtt_sample(Tcb& tcb, Micros rtt, const wire::Segment& segment, const Context& context) {
  if (rtt == 0us && tcb.cold.retries != 0) rtt = rtt_by_timestamp(tcb, segment, context.now).value_or(0us);
  if (rtt == 0us) return;
  tcb.cold.rtt.sample(rtt);
  context.counters.tcp_rtt.record(static_cast<uint64_t>(rtt.count()));
  tcb.cold.rtt.clear_backoff();
  renew_rto(tcb, context.params);
}

// Nothing is missing: the round trip of what was sent last, and congestion control is told.
Micros take_in_order(Tcb& tcb, const wire::Segment& segment, Bytes acked, const Context& context) {
  TcbHot& hot = tcb.hot;
  const Bytes before = in_flight(tcb);
  Micros rtt{};
  const auto take = [&](const recovery::Arrival& arrival) {
    if (!arrival.retransmitted && arrival.exact) rtt = std::max<Micros>(1us, context.now - arrival.sent_at);
    note_arrival(tcb, arrival.sent_at, arrival.end - arrival.begin, context.now);
  };
  if (hot.flight != nullptr)
    hot.flight->board.advance(segment.ack, take);
  else if (acked != 0)
    take({.begin = hot.snd_una, .end = hot.snd_una + acked, .sent_at = tcb.cold.last_sent_at, .exact = true});
  tcb.cold.cc.on_ack({.now = context.now,
                      .ack = segment.ack,
                      .snd_nxt = hot.snd_nxt,
                      .acked = acked,
                      .delivered = acked,
                      .in_flight = before,
                      .left = before - std::min(before, acked),
                      .rtt = rtt,
                      .srtt = tcb.cold.rtt.srtt(),
                      .sack = hot.flags.sack,
                      .app_limited = is_app_limited(tcb, before),
                      .ecn_echo = is_ecn_echo(tcb, segment)});
  hot.cwnd = tcb.cold.cc.cwnd();
  return rtt;
}

// Nothing is in flight and nothing about to be: nothing is held. Only a probe's fate is still waited for.
bool is_over(const Tcb& tcb) {
  return !tcb.hot.has_flight() && !tcb.hot.has_unsent() && !tcb.hot.flight->probe_outstanding;
}

// SND.UNA moves to SEG.ACK, with all that goes with it but congestion control and recovery.
void move_snd_una(Tcb& tcb, const wire::Segment& segment, Bytes acked, Micros rtt, const Context& context) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  take_rtt_sample(tcb, rtt, segment, context);
  const Bytes octets = std::min(acked, cold.send.size());  // the FIN has no octet in the queue
  cold.send.release(octets);
  hot.snd_una = segment.ack;
  if (octets != 0) hot.events |= Event::kSendSpace;
  if (octets >= hot.mss && !cold.full_acked) [[unlikely]]
    on_full_size_acked(tcb, context);
  if (cold.probing_mtu) [[unlikely]]
    on_ack_while_probing(tcb, context);
  cold.retries = 0;
  cold.soft_error = SoftError::None;
  cold.stalled_at_ms = 0;
  restart_retransmission_timer(tcb, context.now);
  if (is_one_run(tcb)) open_flight(tcb);  // the rest of it
  if (hot.flight == nullptr) return;
  if (is_over(tcb))
    close_flight(tcb);
  else
    schedule_probe(tcb, context.now);
}

// RFC 5681 §2: data outstanding, no payload, no SYN or FIN, same acknowledgement, same window.
bool is_duplicate(const TcbHot& hot, const wire::Segment& segment) {
  return hot.has_flight() && segment.ack == hot.snd_una && segment.length() == 0 &&
         hot.snd_scale.bytes(segment.window) == hot.snd_wnd;
}

// While something is missing, or when this acknowledgement says so.
[[gnu::cold]] void take_recovery_ack(Tcb& tcb, const wire::Segment& segment, bool duplicate,
                                     const Context& context) {
  TcbHot& hot = tcb.hot;
  const Micros rtt = recover_by_ack(tcb, segment, duplicate, context);
  if (segment.ack.after(hot.snd_una)) {
    move_snd_una(tcb, segment, segment.ack - hot.snd_una, rtt, context);
  } else {
    if (rtt != 0us) take_rtt_sample(tcb, rtt, segment, context);  // of what was SACKed
    if (is_over(tcb)) close_flight(tcb);
  }
  renew_predictability(tcb);
}

}  // namespace

bool is_plausible(const Tcb& tcb, Seq ack) {
  const TcbHot& hot = tcb.hot;
  return ack.after_or_at(hot.snd_una - tcb.cold.max_snd_wnd) && ack.before_or_at(hot.snd_nxt);
}

void renew_predictability(Tcb& tcb) {
  tcb.hot.flags.unpredictable =
      !tcb.cold.reassembly.empty() || tcb.hot.flags.receive_closed ||
      (tcb.hot.flight != nullptr && (tcb.hot.flight->busy() || tcb.hot.flight->window_reduced));
}

void renew_rto(Tcb& tcb, const TcpParams& params) {
  tcb.hot.rto_us = static_cast<uint32_t>(tcb.cold.rtt.rto(bounds(params)).count());
}

void restart_retransmission_timer(Tcb& tcb, Instant now) {
  constexpr Bytes kRestartThreshold = 4;  // segments (RFC 7765 §4)
  TcbHot& hot = tcb.hot;
  if (!hot.has_flight()) {
    hot.rtx_deadline = kNever;
    return;
  }
  hot.rtx_deadline = now + Micros(hot.rto_us);
  const bool one_run = is_one_run(tcb);
  const Flight* flight = hot.flight;
  if (!one_run && (flight == nullptr || flight->board.empty())) return;
  if (hot.has_unsent() || hot.snd_wnd == 0) return;
  if (hot.snd_nxt - hot.snd_una >= kRestartThreshold * hot.mss) return;
  // RFC 7765 §4: too few segments are out for duplicate acknowledgements, so the time-out counts from when
  // the first of them left.
  const Micros gone = now - (one_run ? tcb.cold.last_sent_at : flight->board.run(0).sent_at);
  if (gone > 0us && gone < Micros(hot.rto_us)) hot.rtx_deadline -= gone;
}

void update_send_window(Tcb& tcb, const wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  const bool newer = hot.snd_wl1.before(segment.seq) ||
                     (hot.snd_wl1 == segment.seq && hot.snd_wl2.before_or_at(segment.ack));
  if (!newer) return;
  const Bytes window = hot.snd_scale.bytes(segment.window);
  // A probe that lay beyond a closed window goes again with the window's opening (RFC 9293 §3.8.6.1).
  if (hot.snd_wnd == 0 && window != 0 && hot.has_flight() && hot.flags.syn_acked) resend_all(tcb);
  hot.snd_wnd = window;
  hot.snd_wl1 = segment.seq;
  hot.snd_wl2 = segment.ack;
  tcb.cold.max_snd_wnd = std::max(tcb.cold.max_snd_wnd, window);
}

void advance_snd_una(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  TcbHot& hot = tcb.hot;
  Bytes acked = segment.ack - hot.snd_una;
  Micros syn_rtt{};
  if (!hot.flags.syn_acked) [[unlikely]] {
    hot.flags.syn_acked = true;
    --acked;
    if (hot.flags.timing && hot.flight == nullptr)
      syn_rtt = std::max<Micros>(1us, context.now - tcb.cold.last_sent_at);
    hot.flags.timing = false;
  }
  const Micros rtt = take_in_order(tcb, segment, acked, context);
  move_snd_una(tcb, segment, acked, rtt != 0us ? rtt : syn_rtt, context);
}

Step check_ack(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (!segment.flags.ack()) return Verdict::dropped(DropReason::TcpNoAck);
  const bool opens = hot.state() == State::SynReceived;
  if (opens) {
    const bool acceptable = hot.snd_una.before(segment.ack) && segment.ack.before_or_at(hot.snd_nxt);
    if (!acceptable) return Verdict::reset(DropReason::TcpAckUnacceptable);
    establish(tcb, segment, context);
  }
  if (!is_plausible(tcb, segment.ack)) {
    challenge(tcb, context);
    return Verdict::dropped(DropReason::TcpAckUnacceptable);
  }
  tcb.cold.heard_at = context.now;
  tcb.cold.received_dscp = segment.dscp;
  if (segment.options.user_timeout != 0) adopt_user_timeout(tcb, segment.options.user_timeout, context);
  const bool duplicate = !opens && is_duplicate(hot, segment);
  if (is_ecn_echo(tcb, segment)) on_ecn_echo(tcb, segment.ack, context);
  if (hot.flight != nullptr && hot.flight->window_reduced && segment.ack.after(hot.flight->reduced_until))
    hot.flight->window_reduced = false;
  if ((duplicate || segment.options.sack_count != 0) && is_one_run(tcb)) [[unlikely]]
    open_flight(tcb);
  if (hot.flight != nullptr && (duplicate || hot.flight->busy() || segment.options.sack_count != 0)) {
    take_recovery_ack(tcb, segment, duplicate, context);
  } else if (segment.ack.after(hot.snd_una)) {
    advance_snd_una(tcb, segment, context);
    if (hot.flags.unpredictable) renew_predictability(tcb);
  }
  if (segment.ack.after_or_at(hot.snd_una)) {
    update_send_window(tcb, segment);
    if (hot.snd_wnd == 0) tcb.cold.retries = 0;  // the peer answers probes: it lives (RFC 9293 §3.8.6.1)
  }
  return after_ack(tcb, segment);
}

}  // namespace millrace::tcp
