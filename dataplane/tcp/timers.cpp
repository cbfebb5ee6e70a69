#include "tcp/timers.h"

#include <limits>

#include "tcp/close/close.h"
#include "tcp/open/fast_open.h"
#include "tcp/transfer/ack.h"
#include "tcp/transfer/pacing.h"
#include "tcp/transfer/path_mtu.h"
#include "tcp/transfer/user_timeout.h"

namespace millrace::tcp {

namespace {

// R2 of RFC 9293 §3.8.3 is reached: the connection is given up and the application told.
void give_up(Tcb& tcb, const Context& context) {
  context.counters.tcp_timeouts.add();
  const bool unreachable =
      tcb.cold.soft_error != SoftError::None && tcb.cold.soft_error != SoftError::Retransmitting;
  end(tcb, unreachable ? End::Unreachable : End::TimedOut);
}

// R2 as a count. A user timeout takes its place (RFC 9293 §3.8.3: R2 is a time or a count).
bool is_exhausted(const Tcb& tcb, const Context& context) {
  if (tcb.cold.fast_open.early && tcb.hot.state() == State::SynReceived)
    return tcb.cold.retries >= context.params.syn_ack_retries;
  const bool opening = tcb.hot.state() == State::SynSent || tcb.hot.state() == State::SynReceived;
  const uint32_t most = opening ? setting(tcb, &ConnectionParams::syn_retries, context.params.syn_retries)
                                : setting(tcb, &ConnectionParams::data_retries, context.params.data_retries);
  return tcb.cold.retries >= most && user_timeout(tcb, context.params) == 0us;
}

void back_off(Tcb& tcb, const Context& context) {
  note_waiting(tcb);
  if (tcb.cold.retries != std::numeric_limits<uint16_t>::max()) ++tcb.cold.retries;
  // R1 of RFC 9293 §3.8.3. A cause that is known already says more.
  if (tcb.cold.retries == context.params.report_retries && tcb.cold.soft_error == SoftError::None)
    note_soft_error(tcb, SoftError::Retransmitting, context.now);
  tcb.cold.rtt.back_off();
  renew_rto(tcb, context.params);
  tcb.hot.flags.timing = false;  // Karn's algorithm (RFC 6298 §3)
  tcb.hot.rtx_deadline = context.now + Micros(tcb.hot.rto_us);
}

void on_handshake_timeout(Tcb& tcb, const Context& context) {
  if (is_exhausted(tcb, context)) return give_up(tcb, context);
  context.counters.tcp_rto_fired.add();
  back_off(tcb, context);
  tcb.hot.flags.syn_due = true;
  if (tcb.cold.fast_open.used()) fast_open_timeout(tcb, context);
}

// Nothing is in flight or the window is closed: ask for the window (RFC 9293 §3.8.6.1).
void on_persist_timeout(Tcb& tcb, const Context& context) {
  if (is_exhausted(tcb, context)) return give_up(tcb, context);
  // RFC 6429 §3: a window may stay closed for ever (MUST-37), but not on memory that others need. The backoff
  // counts the probes since octets were last acknowledged.
  if (context.memory_short && tcb.cold.rtt.backoff() >= context.params.zero_window_probes) {
    context.counters.tcp_closed_windows_reset.add();
    return abort_with_reset(tcb, End::NoMemory);
  }
  back_off(tcb, context);
  tcb.hot.flags.probe_due = true;
}

void on_retransmission_timeout(Tcb& tcb, const Context& context) {
  if (is_exhausted(tcb, context)) return give_up(tcb, context);
  context.counters.tcp_rto_fired.add();
  TcbHot& hot = tcb.hot;
  on_timeout_of_size(tcb, context);
  recover_by_timeout(tcb, context);
  if (!hot.flags.syn_acked) hot.flags.syn_due = true;
  back_off(tcb, context);
}

}  // namespace

void on_deadline(Tcb& tcb, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (context.now >= early_deadline(tcb)) return on_early_deadline(tcb, context);
  if (context.now < hot.rtx_deadline) return;
  switch (hot.state()) {
    case State::SynSent:
    case State::SynReceived:
      return on_handshake_timeout(tcb, context);
    case State::Closed:
    case State::Listen:
    case State::TimeWait:
      hot.rtx_deadline = kNever;
      return;
    case State::FinWait2:
      return on_fin_wait_2_timeout(tcb, context);
    default:
      break;
  }
  if (!hot.has_flight() || hot.snd_wnd == 0)
    on_persist_timeout(tcb, context);
  else
    on_retransmission_timeout(tcb, context);
}

void settle_timer(Tcb& tcb, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (hot.state() == State::Closed || hot.state() == State::TimeWait) {
    hot.rtx_deadline = kNever;
  } else if (!hot.has_flight() && waits_for_departure(tcb)) {
    hot.rtx_deadline = kNever;  // the window is open: there is nothing to ask for
  } else if (hot.has_flight() || hot.has_unsent()) {
    if (hot.rtx_deadline == kNever) hot.rtx_deadline = context.now + Micros(hot.rto_us);
  } else if (hot.state() == State::FinWait2 && hot.flags.receive_closed) {
    const Micros patience = fin_wait_2_timeout(tcb, context.params);
    if (hot.rtx_deadline == kNever && patience != 0us) hot.rtx_deadline = context.now + patience;
  } else {
    hot.rtx_deadline = kNever;
  }
}

}  // namespace millrace::tcp
