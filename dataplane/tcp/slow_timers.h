// Deadlines that few connections have, beside the retransmission timer of timers.h: keep-alive, user timeout,
// linger. None is stored: each follows from what the TCB holds anyway and from the settings of this moment,
// so that a change of settings counts at once and nothing is written on the way of a segment.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// Whether anything may have such a deadline at all.
inline bool has_slow_timers(const Tcb& tcb, const TcpParams& params) {
  return tcb.cold.settings.any() || params.keepalive || params.user_timeout != 0us;
}

// The earliest of them; kNever: there is none. It may move later, or go, without notice, as that of timers.h.
[[gnu::cold]] Instant next_slow_deadline(const Tcb& tcb, const TcpParams& params);

// Nothing happens before that.
[[gnu::cold]] void on_slow_deadline(Tcb& tcb, const Context& context);

}  // namespace millrace::tcp
