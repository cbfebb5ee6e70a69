#include "tcp/transfer/ack.h"

#include <algorithm>
#include <optional>

#include "tcp/close/close.h"
#include "tcp/open/handshake.h"
#include "tcp/steps.h"
#include "tcp/transfer/paws.h"

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

std::optional<Micros> round_trip(Tcb& tcb, const wire::Segment& segment, Instant now) {
  if (!tcb.hot.flags.timing)
    return tcb.cold.retries != 0 ? rtt_by_timestamp(tcb, segment, now) : std::nullopt;
  if (segment.ack.before(tcb.hot.timed_seq)) return std::nullopt;
  tcb.hot.flags.timing = false;
  return Micros(static_cast<uint32_t>(now.time_since_epoch().count()) - tcb.hot.timed_at_us);
}

// A sample also ends the backoff; without one it stays in force (Karn's algorithm, RFC 6298 §3 and §5.5).
// 0: no sample.
Micros take_rtt_sample(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  const std::optional<Micros> rtt = round_trip(tcb, segment, context.now);
  if (!rtt) return 0us;
  tcb.cold.rtt.sample(*rtt);
  tcb.cold.rtt.clear_backoff();
  renew_rto(tcb, context.params);
  return *rtt;
}

// Congestion control and loss recovery for `acked` new octets.
void control_congestion(Tcb& tcb, Seq ack, Bytes acked, Micros rtt, Instant now) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  const Bytes in_flight = flight(tcb);
  switch (cold.recovery.on_advance(ack, hot.snd_nxt, hot.mss)) {
    case recovery::AckEffect::Advance:
      cold.cc.on_ack({.now = now,
                      .ack = ack,
                      .snd_nxt = hot.snd_nxt,
                      .acked = acked,
                      .delivered = acked,
                      .in_flight = in_flight,
                      .rtt = rtt,
                      .app_limited = in_flight + hot.mss < hot.cwnd && hot.snd_nxt == hot.snd_end});
      break;
    case recovery::AckEffect::Partial:
      cold.cc.deflate(acked);
      hot.flags.retransmit_forced = true;
      break;
    case recovery::AckEffect::Full:
      cold.cc.on_exit_recovery(now);
      cold.cc.cap(hot.snd_nxt - ack);
      break;
  }
  hot.cwnd = cold.cc.cwnd();
}

// RFC 5681 §2: data outstanding, no payload, no SYN or FIN, same acknowledgement, same window.
bool is_duplicate(const TcbHot& hot, const wire::Segment& segment) {
  return hot.has_flight() && segment.ack == hot.snd_una && segment.length() == 0 &&
         hot.snd_scale.bytes(segment.window) == hot.snd_wnd;
}

void on_duplicate_ack(Tcb& tcb, const Context& context) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  context.counters.tcp_duplicate_acks_received.add();
  hot.flags.unpredictable = true;
  if (cold.recovery.on_duplicate_ack(hot.snd_una)) {
    context.counters.tcp_fast_retransmits.add();
    cold.cc.on_enter_recovery(context.now, flight(tcb));
    cold.cc.inflate(3 * cold.cc.smss());
    cold.recovery.enter_recovery(hot.snd_una, hot.snd_nxt, hot.mss);
    hot.flags.retransmit_forced = true;
  } else if (cold.recovery.phase() == recovery::Phase::Recovery) {
    cold.cc.inflate(cold.cc.smss());
  }
  hot.cwnd = cold.cc.cwnd();
}

// Whether the next segment may be predicted again.
void renew_predictability(Tcb& tcb) {
  const TcbCold& cold = tcb.cold;
  tcb.hot.flags.unpredictable = !cold.reassembly.empty() || tcb.hot.flags.receive_closed ||
                                cold.recovery.phase() != recovery::Phase::Open ||
                                cold.recovery.duplicate_acks() != 0;
}

}  // namespace

void renew_rto(Tcb& tcb, const TcpParams& params) {
  tcb.hot.rto_us = static_cast<uint32_t>(tcb.cold.rtt.rto(bounds(params)).count());
}

void restart_retransmission_timer(TcbHot& hot, Instant now) {
  hot.rtx_deadline = hot.has_flight() ? now + Micros(hot.rto_us) : kNever;
}

void update_send_window(Tcb& tcb, const wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  const bool newer = hot.snd_wl1.before(segment.seq) ||
                     (hot.snd_wl1 == segment.seq && hot.snd_wl2.before_or_at(segment.ack));
  if (!newer) return;
  const Bytes window = hot.snd_scale.bytes(segment.window);
  // A probe that lay beyond a closed window goes again with the window's opening (RFC 9293 §3.8.6.1).
  if (hot.snd_wnd == 0 && window != 0 && hot.has_flight() && tcb.hot.flags.syn_acked) {
    tcb.cold.recovery.mark_lost(hot.snd_una, hot.snd_nxt);
    hot.flags.retransmit_forced = true;
  }
  hot.snd_wnd = window;
  hot.snd_wl1 = segment.seq;
  hot.snd_wl2 = segment.ack;
  tcb.cold.max_snd_wnd = std::max(tcb.cold.max_snd_wnd, window);
}

void advance_snd_una(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  const Micros rtt = take_rtt_sample(tcb, segment, context);
  Bytes acked = segment.ack - hot.snd_una;
  if (!hot.flags.syn_acked) {
    hot.flags.syn_acked = true;
    --acked;
  }
  control_congestion(tcb, segment.ack, acked, rtt, context.now);
  const Bytes octets = std::min(acked, cold.send.size());  // the FIN has no octet in the queue
  cold.send.release(octets);
  hot.snd_una = segment.ack;
  if (octets != 0) hot.events |= Event::kSendSpace;
  cold.retries = 0;
  cold.soft_error = false;
  restart_retransmission_timer(hot, context.now);
  if (hot.flags.unpredictable) renew_predictability(tcb);
}

Step check_ack(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (!segment.flags.ack()) return Verdict::dropped(DropReason::TcpNoAck);
  if (hot.state() == State::SynReceived) {
    const bool acceptable = hot.snd_una.before(segment.ack) && segment.ack.before_or_at(hot.snd_nxt);
    if (!acceptable) return Verdict::reset(DropReason::TcpAckUnacceptable);
    establish(tcb, segment, context);
  }
  if (segment.ack.after(hot.snd_nxt)) {
    // RFC 9293 §3.10.7.4: it acknowledges something not yet sent.
    hot.flags.ack_now = true;
    return Verdict::dropped(DropReason::TcpAckUnacceptable);
  }
  if (segment.ack.after(hot.snd_una)) {
    advance_snd_una(tcb, segment, context);
  } else if (is_duplicate(hot, segment)) {
    on_duplicate_ack(tcb, context);
  }
  if (segment.ack.after_or_at(hot.snd_una)) {
    update_send_window(tcb, segment);
    if (hot.snd_wnd == 0) tcb.cold.retries = 0;  // the peer answers probes: it lives (RFC 9293 §3.8.6.1)
  }
  return after_ack(tcb, segment);
}

}  // namespace millrace::tcp
