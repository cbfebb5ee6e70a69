// OPEN and the three-way handshake of connections that have a TCB (RFC 9293 §3.5). Half-open passive ones are
// records: syn_queue.h.
#pragma once

#include "base/packet.h"
#include "tcp/context.h"
#include "tcp/open/syn_queue.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

struct OpenParams {
  Seq iss;
  uint32_t ts_offset = 0;
  Mss our_mss;
};

// Active OPEN: SYN-SENT, a SYN is due (RFC 9293 §3.10.1).
void open_active(Tcb& tcb, const OpenParams& open, const Context& context);
// A record whose ACK has come becomes a TCB in SYN-RECEIVED; the segment is then processed by on_segment().
void open_passive(Tcb& tcb, const SynRecord& record, uint32_t ts_offset, const Context& context);

// The same for a record remade from a SYN cookie: nobody knows when its SYN-ACK left. `echo` is the TSval of
// it that the ACK echoes.
void open_by_cookie(Tcb& tcb, const SynRecord& record, uint32_t ts_offset, uint32_t echo,
                    const Context& context);

// SEGMENT ARRIVES in SYN-SENT (RFC 9293 §3.10.7.3).
Verdict on_segment_syn_sent(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context);

// The initial window of RFC 5681 §3.1, as RFC 6928 has it.
void open_congestion_window(Tcb& tcb, const TcpParams& params);

// SYN-RECEIVED -> ESTABLISHED: `segment` carries the acceptable ACK.
void establish(Tcb& tcb, const wire::Segment& segment, const Context& context);

}  // namespace millrace::tcp
