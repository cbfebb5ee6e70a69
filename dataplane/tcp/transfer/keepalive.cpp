#include "tcp/transfer/keepalive.h"

#include <algorithm>

#include "tcp/close/close.h"
#include "tcp/transfer/user_timeout.h"

namespace millrace::tcp {

namespace {

// RFC 9293 §3.8.4 MUST-26: while something is outstanding its own timer finds a peer that has gone.
bool is_idle(const Tcb& tcb) {
  switch (tcb.hot.state()) {
    case State::Established:
    case State::CloseWait:
    case State::FinWait2:
      return !tcb.hot.has_flight() && !tcb.hot.has_unsent();
    default:
      return false;
  }
}

// Where probes went unanswered: any segment from the peer ends the silence.
const TcbRare* probed_in_vain(const Tcb& tcb) {
  const TcbRare* rare = tcb.cold.settings.rare();
  return rare != nullptr && rare->probes != 0 && rare->silent_since == tcb.cold.heard_at ? rare : nullptr;
}

// RFC 5482 §4.2: not before a user timeout adopted from the peer lets the connection end.
Micros silence_allowed(const Tcb& tcb, const TcpParams& params) {
  const Micros idle = setting(tcb, &ConnectionParams::keepalive_idle, params.keepalive_idle);
  const TcbRare* rare = tcb.cold.settings.rare();
  return rare != nullptr && rare->remote_user_timeout > 0us ? std::max(idle, rare->remote_user_timeout + 1s)
                                                            : idle;
}

// With a user timeout that alone says when a silent peer has gone, as it does for data; but the last probe
// gets its time to be answered.
Instant end_of_patience(const Tcb& tcb, const TcbRare& probed, Micros timeout) {
  return std::max(tcb.cold.heard_at + timeout, probed.probed_at + Micros(tcb.hot.rto_us));
}

// MUST-29: no single probe ends a connection.
bool is_over(const Tcb& tcb, const Context& context) {
  const TcbRare* probed = probed_in_vain(tcb);
  if (probed == nullptr) return false;
  const Micros timeout = user_timeout(tcb, context.params);
  if (timeout != 0us) return context.now >= end_of_patience(tcb, *probed, timeout);
  return probed->probes >= setting(tcb, &ConnectionParams::keepalive_probes, context.params.keepalive_probes);
}

}  // namespace

Instant keepalive_deadline(const Tcb& tcb, const TcpParams& params) {
  if (!setting(tcb, &ConnectionParams::keepalive, params.keepalive) || !is_idle(tcb)) return kNever;
  const TcbRare* probed = probed_in_vain(tcb);
  if (probed == nullptr) return tcb.cold.heard_at + silence_allowed(tcb, params);
  // From the last probe on, not from the silence's beginning: keep-alive may have been switched on late.
  const Micros interval = setting(tcb, &ConnectionParams::keepalive_interval, params.keepalive_interval);
  const Micros timeout = user_timeout(tcb, params);
  const Instant next = probed->probed_at + interval;
  return timeout == 0us ? next : earlier(next, end_of_patience(tcb, *probed, timeout));
}

void on_keepalive_deadline(Tcb& tcb, const Context& context) {
  if (is_over(tcb, context)) {
    context.counters.tcp_keepalive_timeouts.add();
    return abort_with_reset(tcb, tcb.cold.soft_error != SoftError::None ? End::Unreachable : End::TimedOut);
  }
  TcbRare* rare = tcb.cold.settings.take(*tcb.cold.memory);
  if (rare == nullptr) {
    tcb.cold.heard_at = context.now;  // nothing can be counted: a new silence begins
    return;
  }
  rare->probes = probed_in_vain(tcb) != nullptr ? rare->probes + 1 : 1;
  rare->silent_since = tcb.cold.heard_at;
  rare->probed_at = context.now;
  rare->probe_due = true;
}

bool next_keepalive_probe(Tcb& tcb, const Context& context, wire::Segment& segment) {
  TcbRare* rare = tcb.cold.settings.rare();
  if (rare == nullptr || !rare->probe_due) return false;
  rare->probe_due = false;
  // Something may have come, or been queued, between the deadline and now.
  if (!is_idle(tcb) || rare->silent_since != tcb.cold.heard_at) return false;
  segment.seq = tcb.hot.snd_nxt - 1;  // an octet that the peer has: it must answer, and takes nothing
  segment.payload_length = context.params.keepalive_octet ? 1 : 0;  // SHLD-12, MAY-6
  context.counters.tcp_keepalive_probes_sent.add();
  return true;
}

}  // namespace millrace::tcp
