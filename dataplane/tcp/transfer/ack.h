// What an acknowledgement does: SND.UNA, the send window, round-trip time, congestion window, timers. Loss
// recovery is its neighbour: loss_recovery.h.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// RFC 5961 §5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. What is older, or not yet sent, was not said by
// a peer that knows the connection, and text that comes with it is not taken (RFC 9293 §3.10.7.4, fifth
// step).
bool is_plausible(const Tcb& tcb, Seq ack);

// SND.UNA < SEG.ACK =< SND.NXT, and nothing is missing: octets leave the send queue, timers and windows move
// on.
void advance_snd_una(Tcb& tcb, const wire::Segment& segment, const Context& context);

// SND.WND from a segment that is not older than the last one used (RFC 9293 §3.10.7.4, fifth step).
void update_send_window(Tcb& tcb, const wire::Segment& segment);

// The time-out in force, kept where the fast path finds it.
void renew_rto(Tcb& tcb, const TcpParams& params);

// Restarts the retransmission timer (RFC 6298 §5.2, §5.3; RFC 7765).
void restart_retransmission_timer(Tcb& tcb, Instant now);

// Whether the next segment may be predicted again.
void renew_predictability(Tcb& tcb);

}  // namespace millrace::tcp
