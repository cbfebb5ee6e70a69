// NewReno congestion control: RFC 5681 §3.1 and §3.2, RFC 6582. Plain state: it never sees the TCB.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace millrace::cc {

class NewReno {
 public:
  // `smss`: octets of a full segment. The initial window is that of RFC 6928 §2, at most `segments`.
  void open(Bytes smss, uint32_t segments);

  // `acked` octets left the flight in the ordinary way (RFC 5681 §3.1; appropriate byte counting, RFC 3465, L
  // = 2).
  void on_ack(Bytes acked);
  // Fast retransmit with `flight` octets outstanding (RFC 5681 §3.2 steps 2 and 3).
  void on_fast_retransmit(Bytes flight);
  // A further duplicate acknowledgement in fast recovery (step 4).
  void on_recovery_duplicate();
  // A partial acknowledgement (RFC 6582 §3.2 step 3).
  void on_partial_ack(Bytes acked);
  // Recovery is over, `flight` octets outstanding (RFC 6582 §3.2 step 3, full acknowledgement, option 1).
  void on_recovered(Bytes flight);
  // The retransmission timer went off; `first`: not a repeated time-out of the same segment (RFC 5681 §3.1
  // (4)).
  void on_timeout(Bytes flight, bool first);
  // Nothing was sent for longer than the RTO (RFC 5681 §4.1).
  void on_idle_restart(uint32_t segments);

  Bytes cwnd() const { return cwnd_; }
  Bytes ssthresh() const { return ssthresh_; }

 private:
  static constexpr Bytes kMax = 1U << 30;  // the largest window that RFC 7323 can tell
  void grow(Bytes by) { cwnd_ = std::min(cwnd_ + by, kMax); }

  Bytes cwnd_ = 0;
  Bytes ssthresh_ = kMax;
  Bytes smss_ = 536;
  Bytes avoided_ = 0;  // octets acknowledged since the last increase in congestion avoidance
};

}  // namespace millrace::cc
