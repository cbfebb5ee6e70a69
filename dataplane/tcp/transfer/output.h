// What may leave now (RFC 9293 §3.7, §3.8): retransmissions, new data, FIN, window probes, acknowledgements.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// Octets of the send queue that a segment carries.
struct PayloadRange {
  Bytes offset = 0;
  Bytes length = 0;
};

// The next segment to send, without its addresses; false: nothing may leave. The TCB takes it as sent.
bool next_segment(Tcb& tcb, const Context& context, wire::Segment& segment, PayloadRange& payload);

// The window that would be offered now has grown enough to be worth a segment (RFC 9293 §3.8.6.2.2).
bool is_window_update_due(const Tcb& tcb);

}  // namespace millrace::tcp
