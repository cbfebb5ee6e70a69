// Seventh step of RFC 9293 §3.10.7.4: the segment's text, already cut to the window.
#include "tcp/close/close.h"
#include "tcp/steps.h"
#include "tcp/transfer/ack.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/ecn.h"

namespace millrace::tcp {

namespace {

void take_in_order(Tcb& tcb, Bytes length, const Context& context) {
  TcbHot& hot = tcb.hot;
  hot.rcv_nxt += length;
  const Bytes released = tcb.cold.reassembly.release(hot.rcv_nxt, tcb.cold.receive);
  hot.rcv_nxt += released;
  tcb.cold.bytes_received += length + released;
  context.counters.tcp_bytes_received.add(length + released);
  hot.events |= Event::kReadable;
  note_data_received(hot, length, context.params);
  // RFC 5681 §4.2: at once when all or part of a gap is filled.
  if (released != 0 || tcb.cold.reassembly.has_sack()) hot.flags.ack_now = true;
  if (!hot.flags.sack) tcb.cold.reassembly.forget_duplicate();
  if (hot.flags.unpredictable) renew_predictability(tcb);
}

Step take_out_of_order(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  note_out_of_order(tcb.hot);
  tcb.hot.flags.unpredictable = true;
  context.counters.tcp_out_of_order_segments.add();
  if (segment.flags.fin()) tcb.cold.reassembly.note_fin(segment.seq + segment.payload_length);
  switch (tcb.cold.reassembly.insert(segment.seq, segment.payload, segment.payload_length,
                                     context.params.reassembly_segments)) {
    case Reassembly::Result::Full:
      return Verdict::dropped(DropReason::TcpReassemblyFull);
    case Reassembly::Result::NoMemory:
      return Verdict::dropped(DropReason::TcpBufferFull);
    case Reassembly::Result::Duplicate:
      context.counters.tcp_duplicate_bytes.add(segment.payload_length);
      break;
    case Reassembly::Result::Stored:
      break;
  }
  if (!tcb.hot.flags.sack) tcb.cold.reassembly.forget_duplicate();
  return Verdict::taken();
}

}  // namespace

Step process_text(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context) {
  TcbHot& hot = tcb.hot;
  if (!can_receive(hot.state())) return kNextStep;
  if (segment.payload_length != 0 && hot.flags.receive_closed) {
    // RFC 1122 §4.2.2.13: data for a reader that has gone is lost, and the peer must know.
    abort_with_reset(tcb, End::Aborted);
    return Verdict::dropped(DropReason::TcpAfterClose);
  }
  if (segment.length() == 0) return kNextStep;
  if (segment.payload_length != 0) take_ecn_field(tcb, segment, context);
  if (segment.seq != hot.rcv_nxt) return take_out_of_order(tcb, segment, context);
  if (segment.payload_length == 0) return kNextStep;
  if (!tcb.cold.receive.append(packet, segment.seq, segment.payload, segment.payload_length)) {
    hot.flags.ack_now = true;
    return Verdict::dropped(DropReason::TcpBufferFull);
  }
  take_in_order(tcb, segment.payload_length, context);
  return kNextStep;
}

}  // namespace millrace::tcp
