// How connections end: the FIN of either side, CLOSE, ABORT (RFC 9293 §3.6, §3.10.4, §3.10.5).
#pragma once

#include "tcp/steps.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// Half-close: FIN after everything queued.
void shutdown(Tcb& tcb);
// shutdown(), and data that arrives from now on (or is unread) resets.
void close(Tcb& tcb);
// ABORT: RST where §3.10.5 wants one.
void abort(Tcb& tcb);
// Ends the connection for `reason` and leaves a RST at SND.NXT to be sent.
void abort_with_reset(Tcb& tcb, End reason);

// After the fifth step: our FIN may have been acknowledged.
Step after_ack(Tcb& tcb, const wire::Segment& segment);

}  // namespace millrace::tcp
