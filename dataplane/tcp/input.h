// SEGMENT ARRIVES (RFC 9293 §3.10.7) for a connection that has a TCB. Neighbours: open/handshake.h
// (SYN-SENT), open/syn_queue.h (half-open records), close/time_wait.h (TIME-WAIT records),
// transfer/header_prediction.h.
#pragma once

#include "base/packet.h"
#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// Takes `segment`, whose payload lies in `packet`: both may be changed, and the packet taken. The state is
// any but CLOSED, LISTEN and TIME-WAIT.
Verdict on_segment(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context);

}  // namespace millrace::tcp
