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

// Unanswered ones: any segment from the peer ends the silence.
uint32_t probes_unanswered(const Tcb& tcb) {
  const TcbRare* rare = tcb.cold.settings.rare();
  return rare != nullptr && rare->silent_since == tcb.cold.heard_at ? rare->probes : 0;
}

// RFC 5482 §4.2: not before a user timeout adopted from the peer lets the connection end.
Micros silence_allowed(const Tcb& tcb, const TcpParams& params) {
  const Micros idle = setting(tcb, &ConnectionParams::keepalive_idle, params.keepalive_idle);
  const TcbRare* rare = tcb.cold.settings.rare();
  return rare != nullptr && rare->remote_user_timeout > 0us ? std::max(idle, rare->remote_user_timeout + 1s)
                                                            : idle;
}

// MUST-29: no single probe ends it. With a user timeout that alone says when, as it does for data.
bool is_over(const Tcb& tcb, const Context& context) {
  const uint32_t probes = probes_unanswered(tcb);
  const Micros timeout = user_timeout(tcb, context.params);
  if (timeout != 0us) return probes != 0 && context.now - tcb.cold.heard_at >= timeout;
  return probes >= setting(tcb, &ConnectionParams::keepalive_probes, context.params.keepalive_probes);
}

}  // namespace

Instant keepalive_deadline(const Tcb& tcb, const TcpParams& params) {
  if (!setting(tcb, &ConnectionParams::keepalive, params.keepalive) || !is_idle(tcb)) return kNever;
  const uint32_t probes = probes_unanswered(tcb);
  const Micros interval = setting(tcb, &ConnectionParams::keepalive_interval, params.keepalive_interval);
  const Instant next = tcb.cold.heard_at + silence_allowed(tcb, params) + probes * interval;
  const Micros timeout = user_timeout(tcb, params);
  return probes != 0 && timeout != 0us ? earlier(next, tcb.cold.heard_at + timeout) : next;
}

void on_keepalive_deadline(Tcb& tcb, const Context& context) {
  if (is_over(tcb, context)) {
    context.counters.tcp_keepalive_timeouts.add();
    return abort_with_reset(tcb, tcb.cold.soft_error != SoftError::None ? End::Unreachable : End::TimedOut);
  }
  TcbRare* rare = tcb.cold.settings.take(tcb.cold.send.memory());
  if (rare == nullptr) {
    tcb.cold.heard_at = context.now;  // nothing can be counted: a new silence begins
    return;
  }
  rare->probes = probes_unanswered(tcb) + 1;
  rare->silent_since = tcb.cold.heard_at;
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
