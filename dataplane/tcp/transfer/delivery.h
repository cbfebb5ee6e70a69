// How fast the peer takes what we have queued for it, or closes the gaps before what we hold of it, seen over
// an interval: whoever does next to nothing holds memory that others need (CVE-2008-4609 and its variants).
// Neighbour: shard/slow_peers.h, which compares connections while memory is short; timers.cpp, for windows
// that stay closed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/tcb.h"

namespace millrace::tcp {

// What stood in the queue at the beginning of an interval.
struct DeliveryMark {
  Seq snd_una;
  Bytes queued = 0;  // 0: nothing, or nothing that could be sent
  Seq rcv_nxt;
  Bytes out_of_order = 0;  // held until what is missing before them comes
};

inline DeliveryMark mark_delivery(const Tcb& tcb) {
  // What an application has queued for a SYN has no pace yet: R2 of SYNs bounds it.
  return {.snd_una = tcb.hot.snd_una,
          .queued = tcb.hot.flags.syn_acked ? tcb.cold.send.size() : 0,
          .rcv_nxt = tcb.hot.rcv_nxt,
          .out_of_order = tcb.cold.reassembly.octets()};
}

struct Delivery {
  Bytes queued = 0;     // octets that have waited since the mark
  Bytes delivered = 0;  // of which so many have been acknowledged
  bool slower_than(const Delivery& other) const {
    return uint64_t{queued} * (uint64_t{other.delivered} + 1) >
           uint64_t{other.queued} * (uint64_t{delivered} + 1);
  }
};

inline Delivery delivery_since(const DeliveryMark& mark, const Tcb& tcb) {
  return {.queued = mark.queued, .delivered = tcb.hot.snd_una - mark.snd_una};
}

// The same of the octets that the peer has sent out of order: what was missing and has come.
inline Delivery arrival_since(const DeliveryMark& mark, const Tcb& tcb) {
  return {.queued = std::min(mark.out_of_order, tcb.cold.reassembly.octets()),
          .delivered = tcb.hot.rcv_nxt - mark.rcv_nxt};
}
inline bool is_slow(const Delivery& seen, uint32_t intervals) {
  return uint64_t{seen.delivered} * intervals < seen.queued;
}

// At this pace what was queued takes longer than `intervals` of those over which it was seen. A window that
// has been closed throughout is another matter: it is probed, and may stay so for as many probes as are
// configured (RFC 6429 §3).
inline bool is_slow(const Delivery& seen, const Tcb& tcb, uint32_t intervals) {
  if (seen.delivered == 0 && tcb.hot.snd_wnd == 0) return false;
  return is_slow(seen, intervals);
}

}  // namespace millrace::tcp
