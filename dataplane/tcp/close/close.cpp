#include "tcp/close/close.h"

#include "tcp/steps.h"

namespace millrace::tcp {

void abort_with_reset(Tcb& tcb, End reason) {
  tcb.hot.flags.reset_due = true;
  end(tcb, reason);
}

void abort(Tcb& tcb) {
  switch (tcb.hot.state()) {
    case State::SynReceived:
    case State::Established:
    case State::FinWait1:
    case State::FinWait2:
    case State::CloseWait:
      abort_with_reset(tcb, End::Aborted);
      break;
    default:
      end(tcb, End::Aborted);
      break;
  }
}

void shutdown(Tcb& tcb) {
  TcbHot& hot = tcb.hot;
  switch (hot.state()) {
    case State::SynSent:
      end(tcb, End::Aborted);
      return;  // RFC 9293 §3.10.4: delete the TCB
    case State::SynReceived:
      // §3.10.4: with data queued the CLOSE waits for ESTABLISHED (establish() sees fin_queued).
      hot.flags.fin_queued = true;
      if (tcb.cold.send.size() == 0) enter(tcb, State::FinWait1);
      return;
    case State::Established:
      hot.flags.fin_queued = true;
      enter(tcb, State::FinWait1);
      return;
    case State::CloseWait:
      hot.flags.fin_queued = true;
      enter(tcb, State::LastAck);
      return;
    default:
      return;
  }
}

namespace {

// What lingers is limited by time; should no memory be left for that, the connection ends as it would
// without.
void linger(Tcb& tcb, Micros time, Instant now) {
  if (TcbRare* rare = tcb.cold.settings.take(*tcb.cold.memory)) rare->linger_until = now + time;
}

}  // namespace

void close(Tcb& tcb, Instant now) {
  const bool unread = !tcb.cold.receive.empty() || !tcb.cold.reassembly.empty();
  tcb.hot.flags.receive_closed = true;
  tcb.hot.flags.unpredictable = true;
  const State state = tcb.hot.state();
  // Fast Open has text already in SYN-RECEIVED (RFC 7413 §4.2).
  if (unread && (can_receive(state) || state == State::CloseWait || state == State::SynReceived)) {
    abort_with_reset(tcb, End::Aborted);  // RFC 1122 §4.2.2.13
    return;
  }
  tcb.cold.receive.clear();
  tcb.cold.reassembly.clear();
  const std::optional<Micros> time = tcb.cold.settings->linger;
  if (time == 0us) return abort(tcb);
  if (time) linger(tcb, *time, now);
  shutdown(tcb);
}

Instant linger_deadline(const Tcb& tcb) {
  const TcbRare* rare = tcb.cold.settings.rare();
  // From FIN-WAIT-2 on all that we sent has arrived.
  return rare == nullptr || tcb.hot.state() == State::FinWait2 ? kNever : rare->linger_until;
}

void on_linger_deadline(Tcb& tcb, const Context& context) {
  context.counters.tcp_linger_timeouts.add();
  abort_with_reset(tcb, End::Aborted);
}

void on_fin_wait_2_timeout(Tcb& tcb, const Context& context) {
  // Not in RFC 9293 (tests/conformance/deviations.md): a peer could hold a connection here for ever. Should
  // its FIN come after all, it is answered by RST.
  context.counters.tcp_fin_wait_2_timeouts.add();
  end(tcb, End::TimedOut);
}

Step after_ack(Tcb& tcb, const wire::Segment& segment) {
  static_cast<void>(segment);
  const TcbHot& hot = tcb.hot;
  const bool fin_acked = hot.fin_sent() && hot.snd_una == hot.snd_nxt;
  switch (hot.state()) {
    case State::FinWait1:
      if (fin_acked) enter(tcb, State::FinWait2);
      return kNextStep;
    case State::Closing:
      if (!fin_acked) return kNextStep;
      enter(tcb, State::TimeWait);
      return Verdict::taken();
    case State::LastAck:
      if (!fin_acked) return kNextStep;
      end(tcb, End::Finished);
      return Verdict::taken();
    default:
      return kNextStep;
  }
}

void check_fin(Tcb& tcb, const wire::Segment& segment) {
  TcbHot& hot = tcb.hot;
  if (!can_receive(hot.state())) return;
  const bool fin_now = segment.flags.fin() && segment.seq + segment.payload_length == hot.rcv_nxt;
  // take_in_order() may have closed the gap before a FIN that had come early.
  if (!fin_now && !(segment.length() != 0 && tcb.cold.reassembly.fin_at(hot.rcv_nxt))) return;
  hot.rcv_nxt += 1;
  hot.flags.ack_now = true;
  hot.events |= Event::kPeerFinished;
  switch (hot.state()) {
    case State::Established:
      enter(tcb, State::CloseWait);
      return;
    case State::FinWait1:
      enter(tcb, State::Closing);
      return;
    case State::FinWait2:
      enter(tcb, State::TimeWait);
      return;
    default:
      return;
  }
}

}  // namespace millrace::tcp
