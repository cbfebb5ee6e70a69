// Urgent data (RFC 9293 §3.8.5): a mark in the stream that either side may set, in line with all other octets
// (RFC 6093 §3.1, §4). The mark stands behind the last urgent octet (MUST-62).
#pragma once

#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// What is queued up to here is urgent (SEND with the URGENT flag, §3.9.1.2). False: no memory was left to
// note it.
bool mark_sent_urgent(Tcb& tcb);
// URG and the pointer, on a segment that begins at segment.seq while there is urgent data behind it.
[[gnu::cold]] void mark_urgent(Tcb& tcb, wire::Segment& segment);

// Octets from the first that the application has not consumed to the mark; 0: none is urgent (MUST-33).
Bytes urgent_bytes(const Tcb& tcb);

}  // namespace millrace::tcp
