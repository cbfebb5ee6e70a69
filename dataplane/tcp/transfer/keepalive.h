// Keep-alive (RFC 9293 §3.8.4): a peer that has been silent for long on an idle connection is asked whether
// it is still there. Neighbours: slow_timers.h, which calls; TcpParams and ConnectionParams, which say how
// long.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// When the next probe is due, or the end after the last one; kNever: keep-alive is off or the connection is
// not idle.
Instant keepalive_deadline(const Tcb& tcb, const TcpParams& params);

// That instant has come: a probe is due, or the connection is over.
void on_keepalive_deadline(Tcb& tcb, const Context& context);

// The probe that is due; false: none is.
bool next_keepalive_probe(Tcb& tcb, const Context& context, wire::Segment& segment);

}  // namespace millrace::tcp
