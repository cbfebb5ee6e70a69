// When received data is acknowledged: at once, with the second segment, or by the delayed-ACK deadline
// (RFC 9293 §3.8.6.3, RFC 5681 §4.2). The decision falls once a burst, when the segments leave.
#pragma once

#include "base/params.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// So many segments are acknowledged at once while a connection is young (TcpParams::quick_ack).
inline constexpr uint8_t kQuickAcks = 16;

// A segment with `length` octets of data was received in order. A link that hands over several segments as
// one (LRO) does not change how many the peer has sent.
inline void note_data_received(TcbHot& hot, Bytes length, const TcpParams& params) {
  const unsigned segments = length > hot.mss ? 2 : 1;
  if (hot.segments_unacked < 254)
    hot.segments_unacked = static_cast<uint8_t>(hot.segments_unacked + segments);
  if (params.quick_ack && hot.quick_acks > 0) {
    --hot.quick_acks;
    hot.flags.ack_now = true;
  } else if (hot.segments_unacked >= 2) {
    hot.flags.ack_now = true;
  } else {
    hot.flags.ack_delayed = true;
  }
}

// A segment came out of order: the peer counts one duplicate acknowledgement for it.
inline void note_out_of_order(TcbHot& hot) {
  if (hot.duplicate_acks_due < 255) ++hot.duplicate_acks_due;
}

// The delayed-ACK deadline has passed.
inline void on_delayed_ack_deadline(TcbHot& hot) {
  if (hot.flags.ack_delayed) hot.flags.ack_now = true;
}

// An acknowledgement leaves, on whatever segment.
inline void note_ack_sent(TcbHot& hot) {
  hot.last_ack_sent = hot.rcv_nxt;
  hot.segments_unacked = 0;
  hot.flags.ack_now = false;
  hot.flags.ack_delayed = false;
}

}  // namespace millrace::tcp
