// The user timeout (RFC 9293 §3.9.1, RFC 5482): data that stays unacknowledged for so long ends the
// connection, in place of a count of retransmissions. Neighbours: slow_timers.h, which calls; timers.cpp (R2
// by count).
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// The retransmission timer is about to be moved though nothing was acknowledged: from where the wait counts
// is remembered until there is progress.
void note_waiting(Tcb& tcb);

// In force now: the connection's own, else the shard's, else what the peer's option has asked for; 0: none.
Micros user_timeout(const Tcb& tcb, const TcpParams& params);

// When the user timeout ends the connection if nothing is acknowledged; kNever: nothing is outstanding.
Instant user_timeout_deadline(const Tcb& tcb, const TcpParams& params);
void on_user_timeout(Tcb& tcb, const Context& context);

// The peer's option, as it stands in the header: adopted within our limits where that is switched on
// (RFC 5482 §3.1). Advice, by which nobody may hold a connection for longer or shorter than we let him.
void adopt_user_timeout(Tcb& tcb, uint16_t option, const Context& context);

}  // namespace millrace::tcp
