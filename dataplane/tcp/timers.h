// The retransmission and persist timers: one deadline a connection.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// The earliest instant at which on_deadline() has something to do; kNever: none. It may move later without
// notice: whoever armed a timer for it asks again when that goes off.
inline Instant next_deadline(const Tcb& tcb) { return tcb.hot.rtx_deadline; }

// The time-out of RFC 9293 §3.10.8, RFC 6298 §5.4 to §5.7, or the persist timer of RFC 9293 §3.8.6.1. Nothing
// happens before next_deadline().
void on_deadline(Tcb& tcb, const Context& context);

// After everything that may leave has left: arms the timer that is needed, or none.
void settle_timer(Tcb& tcb, const Context& context);

}  // namespace millrace::tcp
