// What all congestion control algorithms share: the window itself and what an acknowledgement tells them.
// Neighbour: controller.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/params.h"
#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"

namespace millrace::cc {

using Algorithm = CongestionControl;

inline constexpr Bytes kMaxWindow = 1U << 30;  // the largest window that RFC 7323 can tell

struct Window {
  Bytes cwnd = 0;
  Bytes ssthresh = kMaxWindow;  // as long as nothing has been lost (RFC 5681 §3.1)
  uint16_t smss = 536;
  Algorithm algorithm = Algorithm::NewReno;
  uint8_t stage = 0;  // of the algorithm, which knows what it means; here because there is room

  bool slow_start() const { return cwnd < ssthresh; }
  // Neither loss nor delay has ended the connection's first slow start.
  bool first_slow_start() const { return ssthresh == kMaxWindow; }
  Bytes segments(Bytes count) const { return count * smss; }
  void grow(Bytes by) { cwnd = std::min(cwnd + by, kMaxWindow); }
};
static_assert(sizeof(Window) == 12);

// RFC 6928 §2: min(10 * MSS, max(2 * MSS, 14600)), with `segments` for 10.
inline Bytes initial_window(Bytes smss, uint32_t segments) {
  return std::min(segments * smss, std::max(2 * smss, segments * Bytes{1460}));
}

// One acknowledgement.
struct Ack {
  Instant now{};
  Seq ack{};                 // SEG.ACK
  Seq snd_nxt{};             // a round trip lasts until what is sent by now is acknowledged
  Bytes acked = 0;           // octets by which SND.UNA moves
  Bytes delivered = 0;       // octets newly known to have arrived: acked or selectively acknowledged
  Bytes in_flight = 0;       // before this acknowledgement
  Bytes left = 0;            // octets in flight after it
  Micros rtt{};              // of the newest segment it tells of; 0: no sample
  Micros srtt{};             // smoothed, before that sample
  bool sack = true;          // more than one loss a round trip can be told (RFC 2018)
  bool app_limited = false;  // the window is not in use: application or peer's window limit the flight
  bool ecn_echo = false;     // it tells of CE: the window does not grow by it (RFC 3168 §6.1.2)
};

}  // namespace millrace::cc
