#include "tcp/transfer/header_prediction.h"

#include <algorithm>

#include "tcp/transfer/ack.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/paws.h"

namespace millrace::tcp {

namespace {

// SEG.SEQ is RCV.NXT and SEG.ACK not before SND.UNA: the segment is as new as can be.
void take_window(Tcb& tcb, const wire::Segment& segment, Instant now) {
  tcb.cold.heard_at = now;
  tcb.cold.received_dscp = segment.dscp;
  const Bytes window = tcb.hot.snd_scale.bytes(segment.window);
  tcb.hot.snd_wl1 = segment.seq;
  tcb.hot.snd_wl2 = segment.ack;
  if (window == tcb.hot.snd_wnd) return;
  tcb.hot.snd_wnd = window;
  tcb.cold.max_snd_wnd = std::max(tcb.cold.max_snd_wnd, window);
}

}  // namespace

Verdict take_pure_ack(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  context.counters.tcp_fast_path_acks.add();
  renew_ts_recent(tcb, segment, context.now);
  take_window(tcb, segment, context.now);
  advance_snd_una(tcb, segment, context);
  return Verdict::taken();
}

Verdict take_in_order_data(Tcb& tcb, const wire::Segment& segment, Packet& packet, const Context& context) {
  const Bytes length = segment.payload_length;
  if (!tcb.cold.receive.append(packet, segment.seq, segment.payload, length)) {
    tcb.hot.flags.ack_now = true;
    return Verdict::dropped(DropReason::TcpBufferFull);
  }
  context.counters.tcp_fast_path_data.add();
  context.counters.tcp_bytes_received.add(length);
  renew_ts_recent(tcb, segment, context.now);
  take_window(tcb, segment, context.now);
  tcb.cold.bytes_received += length;
  tcb.hot.rcv_nxt += length;
  tcb.hot.events |= Event::kReadable;
  note_data_received(tcb.hot, length, context.params);
  return Verdict::taken();
}

}  // namespace millrace::tcp
