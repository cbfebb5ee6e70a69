// How connections end: the FIN of either side, CLOSE, ABORT (RFC 9293 §3.6, §3.10.4, §3.10.5).
#pragma once

#include "tcp/context.h"
#include "tcp/steps.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// Half-close: FIN after everything queued.
void shutdown(Tcb& tcb);
// shutdown(), and data that arrives from now on (or is unread) resets. With linger (ConnectionParams) what is
// not acknowledged in time resets too; with a linger of 0 close() is an abort.
void close(Tcb& tcb, Instant now);
// ABORT: RST where §3.10.5 wants one.
void abort(Tcb& tcb);
// Ends the connection for `reason` and leaves a RST at SND.NXT to be sent.
void abort_with_reset(Tcb& tcb, End reason);

// Where close() lingers and the peer has not acknowledged our FIN; kNever: elsewhere.
Instant linger_deadline(const Tcb& tcb);
void on_linger_deadline(Tcb& tcb, const Context& context);

// The peer was given its time in FIN-WAIT-2 and has not finished.
void on_fin_wait_2_timeout(Tcb& tcb, const Context& context);
// How long a connection whose application has gone waits in FIN-WAIT-2; 0: without end.
inline Micros fin_wait_2_timeout(const Tcb& tcb, const TcpParams& params) {
  return setting(tcb, &ConnectionParams::fin_wait_2_timeout, params.fin_wait_2_timeout);
}

// After the fifth step: our FIN may have been acknowledged.
Step after_ack(Tcb& tcb, const wire::Segment& segment);

}  // namespace millrace::tcp
