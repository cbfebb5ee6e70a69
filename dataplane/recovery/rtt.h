// Round-trip time and retransmission time-out of one connection (RFC 6298). Plain state: it never sees the
// TCB.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace millrace::recovery {

struct RtoBounds {
  Micros initial{};
  Micros min{};
  Micros max{};
};

class RttEstimator {
 public:
  // A sample of a segment that was sent once (Karn's algorithm is the caller's: RFC 6298 §3).
  void sample(Micros rtt);

  // The time-out before backoff: `initial` until a sample exists (RFC 6298 §2.1), then SRTT + 4 * RTTVAR
  // within the bounds (§2.2 to §2.5). `min`, far below the second of §2.4, is kept from SRTT: a retransmission
  // that has to be repaired takes two round trips, and on a long and even path RTTVAR leaves no room for that.
  Micros base_rto(const RtoBounds& bounds) const {
    if (srtt_us_ == 0) return bounds.initial;
    const Micros beyond = std::max({kGranularity, Micros(4 * int64_t{rttvar_us_}), bounds.min});
    return std::min(Micros(srtt_us_) + beyond, bounds.max);
  }
  // The time-out now: doubled once for each time-out in a row (§5.5), at most `max`.
  Micros rto(const RtoBounds& bounds) const {
    return std::min(base_rto(bounds) * (int64_t{1} << std::min<unsigned>(backoff_, 16)), bounds.max);
  }
  void back_off() {
    if (backoff_ < 255) ++backoff_;
  }
  void clear_backoff() { backoff_ = 0; }
  uint8_t backoff() const { return backoff_; }

  // The least round trip of late; 0: no sample.
  Micros least() const { return Micros(least_us_); }
  bool has_sample() const { return srtt_us_ != 0; }
  Micros srtt() const { return Micros(srtt_us_); }
  Micros rttvar() const { return Micros(rttvar_us_); }

 private:
  static constexpr Micros kGranularity = 1ms;  // G of RFC 6298 §2.3: the wheel's tick

  uint32_t srtt_us_ = 0;
  uint32_t rttvar_us_ = 0;
  uint32_t least_us_ = 0;
  uint16_t least_age_ = 0;  // samples since
  uint8_t backoff_ = 0;
};

}  // namespace millrace::recovery
