#include "tcp/transfer/loss_recovery.h"

#include <algorithm>

#include "tcp/transfer/ack.h"
#include "tcp/transfer/congestion.h"
#include "tcp/transfer/ecn.h"
#include "tcp/transfer/path_mtu.h"
#include "tcp/transfer/paws.h"

namespace millrace::tcp {

namespace {

using recovery::Arrival;
using recovery::Fate;

// What an acknowledgement has told.
struct Told {
  Bytes delivered = 0;  // octets newly known to have arrived
  Bytes in_flight = 0;  // before it
  Micros rtt{};         // of the segment sent last among those sent once; 0: none
  Instant newest{};     // when that one was sent
  bool advances = false;
  bool duplicate = false;  // RFC 5681 §2
  bool original = false;   // octets arrived that were sent once, and before recovery began
  bool dsack = false;
  bool earlier_copy = false;  // timestamps say that it answers what was sent before the first retransmission
};

// When the segment left that this one echoes, to the millisecond; kNever: unknown.
Instant echoed_at(const Tcb& tcb, const wire::Segment& segment, Instant now) {
  if (!tcb.hot.flags.timestamps || !segment.options.timestamps) return kNever;
  const uint32_t sent_ms = segment.options.timestamps->echo_reply - tcb.hot.ts_offset;
  const uint32_t elapsed_ms = timestamp_clock(now) - sent_ms;
  if (elapsed_ms > 600'000) return kNever;  // not of our making
  return std::chrono::floor<std::chrono::milliseconds>(now) - Micros(int64_t{elapsed_ms} * 1000);
}

// ---- what has arrived

void take_arrival(Tcb& tcb, Flight& flight, const Arrival& arrival, Instant echo, Instant now, Told& told) {
  told.delivered += arrival.end - arrival.begin;
  note_arrival(tcb, arrival.sent_at, arrival.end - arrival.begin, now);
  if (!arrival.retransmitted) {
    told.original |= arrival.begin.before(flight.recover);
    if (arrival.exact && arrival.sent_at >= told.newest) {  // Karn's algorithm (RFC 6298 §3)
      told.newest = arrival.sent_at;
      told.rtt = std::max<Micros>(1us, now - arrival.sent_at);
    }
  }
  if (!tcb.hot.flags.sack) return;
  if (const Bytes late = flight.rack.late_by(arrival); late != 0) [[unlikely]] {
    const Bytes segments = std::min<Bytes>((late + tcb.hot.mss - 1) / tcb.hot.mss, 255);
    tcb.cold.reordering.degree = std::max(tcb.cold.reordering.degree, static_cast<uint8_t>(segments));
  }
  flight.rack.on_arrival(arrival, now, tcb.cold.rtt.least(), echo, tcb.cold.reordering);
}

// RFC 2883 §4: the first block tells of octets that came twice when it lies below SEG.ACK or in the second.
bool is_duplicate_block(const wire::Segment& segment) {
  const auto& sack = segment.options.sack;
  if (!sack[0].left.before(sack[0].right)) return false;
  if (sack[0].right.before_or_at(segment.ack)) return true;
  return segment.options.sack_count > 1 && sack[0].left.after_or_at(sack[1].left) &&
         sack[0].right.before_or_at(sack[1].right);
}

void take_duplicate_block(Tcb& tcb, Flight& flight, const wire::SackBlock& block, const Context& context,
                          Told& told) {
  // No further back than a window: who makes up more knows nothing.
  const Bytes back = flight.board.begin() - block.left;
  const bool far =
      block.left.before(flight.board.begin()) && back > std::max<Bytes>(tcb.cold.max_snd_wnd, 65'535);
  if (far || block.right.after(tcb.hot.snd_nxt)) {
    context.counters.tcp_sack_blocks_ignored.add();
    return;
  }
  told.dsack = true;
  context.counters.tcp_dsacks_received.add();
  // RFC 8985 §6.2 step 4: once a round trip.
  if (flight.dsack_round_on && flight.board.begin().after_or_at(flight.dsack_round))
    flight.dsack_round_on = false;
  if (!flight.dsack_round_on) {
    flight.dsack_round_on = true;
    flight.dsack_round = tcb.hot.snd_nxt;
    tcb.cold.reordering.on_duplicate();
  }
  if (!flight.can_undo || !block.right.after(flight.undo_from)) return;
  const Seq left = later(block.left, flight.undo_from);
  flight.undo_octets -= block.right - left;
  flight.undo_sum -= seq_sum(left, block.right - left);
}

// RFC 2018 §5. What lies outside of what was sent, or is inverted, is made up; what lies below SND.UNA is
// old.
template <typename F>
void take_sack(Tcb& tcb, Flight& flight, const wire::Segment& segment, const Context& context, Told& told,
               F&& on_arrival) {
  uint8_t i = 0;
  if (is_duplicate_block(segment)) {
    take_duplicate_block(tcb, flight, segment.options.sack[0], context, told);
    i = 1;
  }
  for (; i < segment.options.sack_count; ++i) {
    const wire::SackBlock& block = segment.options.sack[i];
    const Seq left = later(block.left, flight.board.begin());
    const bool sound = block.left.before(block.right) && block.right.before_or_at(tcb.hot.snd_nxt);
    if (sound && !left.before(block.right)) continue;
    if (sound && flight.board.room() < 4) grow_flight(tcb);
    if (!sound || !flight.board.sack(left, block.right, on_arrival))
      context.counters.tcp_sack_blocks_ignored.add();
  }
}

Told take_ack(Tcb& tcb, Flight& flight, const wire::Segment& segment, bool duplicate,
              const Context& context) {
  Told told;
  told.in_flight = flight.board.in_flight();
  told.advances = segment.ack.after(tcb.hot.snd_una);
  told.duplicate = duplicate;
  const Instant echo = echoed_at(tcb, segment, context.now);
  const auto on_arrival = [&](const Arrival& arrival) {
    take_arrival(tcb, flight, arrival, echo, context.now, told);
  };
  if (told.advances) flight.board.advance(segment.ack, on_arrival);
  if (tcb.hot.flags.sack && segment.options.sack_count != 0)
    take_sack(tcb, flight, segment, context, told, on_arrival);
  // RFC 3522 §3.2 (4): the first acknowledgement past what was sent again.
  if (told.advances && flight.can_undo && flight.resent && tcb.hot.snd_una == flight.undo_from &&
      echo != kNever)
    told.earlier_copy = static_cast<int32_t>(segment.options.timestamps->echo_reply - flight.resent_ts) < 0;
  return told;
}

// ---- the phases

// Keeps what undoing the reduction that follows needs.
void remember(Tcb& tcb, Flight& flight) {
  flight.before = tcb.cold.cc;
  flight.can_undo = true;
  flight.resent = false;
  flight.undo_from = flight.board.begin();
  flight.undo_octets = 0;
  flight.undo_sum = 0;
}

// FlightSize of RFC 5681 §2; what limited transmit has sent does not count (RFC 6675 §5 (4.2)). SND.UNA is
// that from before the acknowledgement.
Bytes flight_size(const TcbHot& hot) { return std::min(hot.snd_nxt - hot.snd_una, hot.cwnd); }

void enter_recovery(Tcb& tcb, Flight& flight, Bytes before, const Context& context) {
  if (tcb.cold.probing_mtu && is_lost_probe(tcb, context)) return resend_lost(tcb);
  context.counters.tcp_fast_retransmits.add();
  remember(tcb, flight);
  flight.phase = Phase::Recovery;
  flight.probe_outstanding = false;  // what it would tell is told
  flight.recover = tcb.hot.snd_nxt;
  // RFC 3168 §6.1.2: not a second time for the window that ECN has reduced; a model knows of both.
  if (!tcb.cold.cc.wants_prr() || !is_window_reduced(tcb))
    tcb.cold.cc.on_enter_recovery(context.now, flight_size(tcb.hot));
  tcb.hot.ecn.reduced();
  flight.prr.open(before, tcb.cold.cc.ssthresh());
  tcb.hot.flags.retransmit_forced = true;
}

void leave_recovery(Tcb& tcb, Flight& flight, const Context& context) {
  const bool modelled = !tcb.cold.cc.wants_prr();
  if (flight.phase == Phase::Recovery || modelled) tcb.cold.cc.on_exit_recovery(context.now);
  if (flight.phase == Phase::Recovery && !tcb.hot.flags.sack && !modelled)
    tcb.cold.cc.cap(flight.board.in_flight());
  flight.phase = Phase::Open;
  flight.duplicate_acks = 0;
  flight.frto.end();
  tcb.cold.reordering.on_recovered();
}

// RFC 4015 §3.2: the reduction is taken back, and what counted as lost is in flight.
void undo(Tcb& tcb, Flight& flight, Counter& counter, const Context& context) {
  counter.add();
  tcb.cold.cc.undo(context.now, flight.before);
  flight.board.forget_losses();
  flight.rack.open(flight.board.begin());  // what it took for an answer to a retransmission was none
  flight.phase = Phase::Open;
  flight.duplicate_acks = 0;
  flight.frto.end();
  flight.can_undo = false;
  if (!is_window_reduced(tcb)) tcb.hot.ecn.reduction_undone();
  tcb.hot.flags.retransmit_forced = false;
}

// Whether the reduction was for nothing: an earlier copy has arrived (RFC 3522), or every octet that was sent
// again came twice (RFC 3708).
bool is_spurious(const Flight& flight, const Told& told) {
  if (!flight.can_undo || !flight.resent) return false;
  return told.earlier_copy || (told.dsack && flight.undo_octets == 0 && flight.undo_sum == 0);
}

// What RACK takes for lost by now. True: more than before.
bool detect_losses(Tcb& tcb, Flight& flight, Instant now) {
  const Bytes lost = flight.board.lost();
  const bool impatient = flight.phase != Phase::Open || flight.board.sacked() > 2 * Bytes{tcb.hot.mss} ||
                         flight.board.sacked_runs(Flight::kDuplicateThreshold) >= Flight::kDuplicateThreshold;
  const Micros window =
      recovery::Rack::window(tcb.cold.reordering, impatient, tcb.cold.rtt.least(), tcb.cold.rtt.srtt());
  const Micros wait = flight.rack.detect(flight.board, now, window, [&](const recovery::Run& run, Seq end) {
    tcb.cold.cc.on_lost(now, run.sent_at, run.begin, end, true);
  });
  if (wait != 0us) {
    flight.early_at = now + wait;
    flight.early = Early::Reordering;
  } else if (flight.early == Early::Reordering) {
    flight.early_at = kNever;
    flight.early = Early::Nothing;
  }
  return flight.board.lost() > lost;
}

// RFC 8985 §7.4.2: what became of the tail loss probe.
void judge_probe(Tcb& tcb, Flight& flight, const wire::Segment& segment, const Told& told,
                 const Context& context) {
  if (!flight.probe_outstanding || segment.ack.before(flight.probe_end)) return;
  const bool repaired = segment.ack.after(flight.probe_end);
  if (!flight.probe_retransmission || told.dsack || (told.duplicate && segment.options.sack_count == 0)) {
    flight.probe_outstanding = false;
  } else if (repaired) {
    flight.probe_outstanding = false;
    context.counters.tcp_tail_losses_repaired.add();
    if (flight.phase != Phase::Open || is_window_reduced(tcb)) return;
    tcb.cold.cc.on_tail_loss(context.now, flight_size(tcb.hot));
    begin_reduced_window(tcb);
  }
}

bool can_send_new(const TcbHot& hot) {
  const Seq edge = hot.snd_una + hot.snd_wnd;
  return hot.snd_nxt.before(hot.snd_end) && hot.snd_end - hot.snd_nxt >= hot.mss &&
         hot.snd_nxt.before(edge) && edge - hot.snd_nxt >= hot.mss;
}

void judge_timeout(Tcb& tcb, Flight& flight, const wire::Segment& segment, const Told& told,
                   const Context& context) {
  if (!flight.frto.active()) return;
  const recovery::Frto::Verdict verdict = flight.frto.on_ack({.advances = told.advances,
                                                              .original = told.original,
                                                              .all = segment.ack.after_or_at(flight.recover),
                                                              .can_send_new = can_send_new(tcb.hot)});
  if (verdict == recovery::Frto::Verdict::Spurious)
    undo(tcb, flight, context.counters.tcp_spurious_timeouts, context);
}

// Without SACK the first segment outstanding is the one.
void lose_first(Tcb& tcb, Flight& flight, Instant now) {
  if (flight.board.empty()) return;
  const recovery::Run& run = flight.board.run(0);
  const Seq end = earlier(run.begin + tcb.hot.mss, flight.board.end());
  if (run.fate == Fate::InFlight) tcb.cold.cc.on_lost(now, run.sent_at, run.begin, end, false);
  flight.board.mark_first_lost(tcb.hot.mss);
}

// Without SACK (RFC 5681 §3.2, RFC 6582 §3.2): the third duplicate, and one segment a partial
// acknowledgement.
void count_duplicates(Tcb& tcb, Flight& flight, const Told& told, const Context& context) {
  if (told.duplicate) {
    if (flight.duplicate_acks < 255) ++flight.duplicate_acks;
    if (flight.phase == Phase::Recovery) {
      tcb.cold.cc.inflate(tcb.cold.cc.smss());
    } else if (flight.phase == Phase::Open && flight.duplicate_acks == Flight::kDuplicateThreshold &&
               tcb.hot.snd_una.after_or_at(flight.recover)) {
      lose_first(tcb, flight, context.now);
      enter_recovery(tcb, flight, told.in_flight, context);
      tcb.cold.cc.inflate(3 * tcb.cold.cc.smss());
    }
  } else if (told.advances) {
    flight.duplicate_acks = 0;
    if (flight.phase != Phase::Recovery) return;
    tcb.cold.cc.deflate(told.delivered);
    lose_first(tcb, flight, context.now);
    tcb.hot.flags.retransmit_forced = true;
  }
}

void grow_window(Tcb& tcb, const wire::Segment& segment, const Told& told, Instant now) {
  TcbHot& hot = tcb.hot;
  // RFC 5681 §3.2 lets duplicates pass, for they may tell of a loss. Where the path is known to reorder they
  // seldom do: something is always missing, SND.UNA moves in leaps, and a window that grew by so much a leap
  // would hardly grow.
  const bool by_arrival = hot.flags.sack && tcb.cold.reordering.seen;
  const Bytes acked = by_arrival ? told.delivered : segment.ack - hot.snd_una;
  if (by_arrival ? acked == 0 : !told.advances) return;
  tcb.cold.cc.on_ack({.now = now,
                      .ack = segment.ack,
                      .snd_nxt = hot.snd_nxt,
                      .acked = acked,
                      .delivered = told.delivered,
                      .in_flight = told.in_flight,
                      .rtt = told.rtt,
                      .srtt = tcb.cold.rtt.srtt(),
                      .app_limited = is_app_limited(tcb, told.in_flight),
                      .ecn_echo = is_ecn_echo(tcb, segment)});
}

// A model is told of everything that has arrived, whatever the phase, when it is known what has not.
void tell_model(Tcb& tcb, const Flight& flight, const wire::Segment& segment, const Told& told, Instant now) {
  tcb.cold.cc.on_ack({.now = now,
                      .ack = segment.ack,
                      .snd_nxt = tcb.hot.snd_nxt,
                      .acked = told.delivered,
                      .delivered = told.delivered,
                      .in_flight = told.in_flight,
                      .left = flight.board.in_flight(),
                      .rtt = told.rtt,
                      .srtt = tcb.cold.rtt.srtt(),
                      .sack = tcb.hot.flags.sack,
                      .ecn_echo = is_ecn_echo(tcb, segment)});
}

// The window that is in force until the next acknowledgement.
void set_window(Tcb& tcb, Flight& flight, const Told& told, bool more_lost) {
  const cc::Controller& cc = tcb.cold.cc;
  if (flight.phase != Phase::Recovery || !tcb.hot.flags.sack || !cc.wants_prr())
    tcb.hot.cwnd = cc.cwnd();
  else if (told.delivered != 0 || more_lost)
    tcb.hot.cwnd =
        flight.prr.on_ack(told.delivered, flight.board.in_flight(), told.advances && !more_lost, cc.smss());
}

}  // namespace

Micros recover_by_ack(Tcb& tcb, const wire::Segment& segment, bool duplicate, const Context& context) {
  Flight& flight = *tcb.hot.flight;
  if (duplicate) context.counters.tcp_duplicate_acks_received.add();
  const Told told = take_ack(tcb, flight, segment, duplicate, context);
  judge_probe(tcb, flight, segment, told, context);
  if (is_spurious(flight, told)) {
    if (flight.phase != Phase::Loss) tcb.cold.reordering.seen = true;  // that was it
    undo(tcb, flight,
         flight.phase == Phase::Loss ? context.counters.tcp_spurious_timeouts
                                     : context.counters.tcp_spurious_recoveries,
         context);
  }
  judge_timeout(tcb, flight, segment, told, context);
  if (flight.phase != Phase::Open && segment.ack.after_or_at(flight.recover)) {
    leave_recovery(tcb, flight, context);
  } else if (flight.phase != Phase::Recovery && tcb.cold.cc.wants_prr()) {
    grow_window(tcb, segment, told, context.now);
  }
  bool more_lost = false;
  if (tcb.hot.flags.sack) {
    more_lost = detect_losses(tcb, flight, context.now);
    if (flight.phase == Phase::Open && flight.board.has_lost())
      enter_recovery(tcb, flight, told.in_flight, context);
  } else {
    count_duplicates(tcb, flight, told, context);
  }
  if (!tcb.cold.cc.wants_prr()) tell_model(tcb, flight, segment, told, context.now);
  set_window(tcb, flight, told, more_lost);
  if (!flight.board.has_lost()) tcb.hot.flags.retransmit_forced = false;
  return told.rtt;
}

namespace {

void lose_all(Tcb& tcb, Flight& flight, Instant now) {
  if (!tcb.cold.cc.wants_prr())
    for (uint16_t i = 0; i < flight.board.size(); ++i)
      if (const recovery::Run& run = flight.board.run(i); run.fate == Fate::InFlight)
        tcb.cold.cc.on_lost(now, run.sent_at, run.begin, flight.board.run_end(i), tcb.hot.flags.sack);
  flight.board.mark_all_lost();
}

}  // namespace

void recover_by_timeout(Tcb& tcb, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (is_one_run(tcb)) open_flight(tcb);
  if (hot.flight == nullptr) {  // nothing but a SYN
    tcb.cold.cc.on_timeout(context.now, in_flight(tcb), tcb.cold.retries == 0);
    hot.cwnd = tcb.cold.cc.cwnd();
    return;
  }
  Flight& flight = *hot.flight;
  const bool first = tcb.cold.retries == 0;
  const bool reduced = is_window_reduced(tcb);
  if (first) remember(tcb, flight);
  // RFC 2018 §8: what is SACKed at the left edge was acknowledged long ago, if the peer still has it.
  if (!flight.board.empty() && flight.board.run(0).fate == Fate::Sacked) {
    context.counters.tcp_sacks_reneged.add();
    flight.board.forget_sacks();
  }
  lose_all(tcb, flight, context.now);
  // RFC 5682 §2.1 step 1: not while an earlier loss is being repaired.
  if (first && flight.phase == Phase::Open && hot.flags.syn_acked)
    flight.frto.begin();
  else
    flight.frto.end();
  flight.phase = Phase::Loss;
  flight.recover = hot.snd_nxt;
  flight.duplicate_acks = 0;
  flight.early = Early::Nothing;
  flight.early_at = kNever;
  flight.probe_outstanding = flight.probe_due = false;
  tcb.cold.cc.on_timeout(context.now, hot.snd_nxt - hot.snd_una, first && !reduced);
  flight.window_reduced = false;
  hot.ecn.reduced();
  hot.cwnd = tcb.cold.cc.cwnd();
  hot.flags.retransmit_forced = true;
  hot.flags.unpredictable = true;
}

void on_early_deadline(Tcb& tcb, const Context& context) {
  if (is_one_run(tcb)) {
    open_flight(tcb).early = Early::Probe;
    tcb.hot.flight->early_at = context.now;
  }
  Flight& flight = *tcb.hot.flight;
  const Early what = flight.early;
  flight.early = Early::Nothing;
  flight.early_at = kNever;
  if (what == Early::Probe) {
    flight.probe_due = true;
  } else if (what == Early::Reordering) {
    const Told nothing{.in_flight = flight.board.in_flight()};
    if (!detect_losses(tcb, flight, context.now)) return;
    context.counters.tcp_reordering_timeouts.add();
    if (flight.phase == Phase::Open) enter_recovery(tcb, flight, nothing.in_flight, context);
    set_window(tcb, flight, nothing, true);
  }
}

void resend_all(Tcb& tcb) {
  if (is_one_run(tcb)) open_flight(tcb);
  if (tcb.hot.flight == nullptr) return;
  tcb.hot.flight->board.mark_all_lost();
  resend_lost(tcb);
}

void resend_lost(Tcb& tcb) {
  Flight& flight = *tcb.hot.flight;
  flight.phase = Phase::Loss;
  flight.recover = tcb.hot.snd_nxt;
  tcb.hot.flags.retransmit_forced = true;
  tcb.hot.flags.unpredictable = true;
}

void schedule_probe(Tcb& tcb, Instant now) {
  TcbHot& hot = tcb.hot;
  if (hot.flight == nullptr) return;
  Flight& flight = *hot.flight;
  if (flight.early == Early::Reordering) return;
  if (!hot.flags.sack || !hot.flags.syn_acked || flight.busy() || !hot.has_flight() || hot.snd_wnd == 0) {
    if (flight.early == Early::Probe) flight.early = Early::Nothing, flight.early_at = kNever;
    return;
  }
  flight.early = Early::Probe;
  flight.early_at = std::min(now + probe_timeout(tcb), hot.rtx_deadline);
}

void note_resent(Tcb& tcb, Seq begin, Seq end, const Context& context) {
  Flight& flight = *tcb.hot.flight;
  if (!flight.resent) {
    flight.resent = true;
    flight.resent_ts = timestamp_clock(context.now) + tcb.hot.ts_offset;
  }
  flight.undo_octets += end - begin;
  flight.undo_sum += seq_sum(begin, end - begin);
  if (flight.phase == Phase::Recovery) {
    flight.prr.on_sent(end - begin);
    context.counters.tcp_recovery_retransmits.add();
  } else {
    context.counters.tcp_timeout_retransmits.add();
  }
}

}  // namespace millrace::tcp
