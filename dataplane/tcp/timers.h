// The retransmission and persist timers, and what is due before them (transfer/loss_recovery.h): one deadline
// a connection.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "tcp/transfer/loss_recovery.h"

namespace millrace::tcp {

// The earliest instant at which on_deadline() has something to do; kNever: none. It may move later without
// notice: whoever armed a timer for it asks again when that goes off.
inline Instant next_deadline(const Tcb& tcb) {
  return earlier(tcb.hot.rtx_deadline, early_deadline(tcb));
}

// The time-out of RFC 9293 §3.10.8, RFC 6298 §5.4 to §5.7, the persist timer of RFC 9293 §3.8.6.1, or what
// loss recovery waits for. Nothing happens before next_deadline().
void on_deadline(Tcb& tcb, const Context& context);

// After everything that may leave has left: arms the timer that is needed, or none.
void settle_timer(Tcb& tcb, const Context& context);

}  // namespace millrace::tcp
