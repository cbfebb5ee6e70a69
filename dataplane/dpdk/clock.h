// The clock of the lcores, the only one that the dataplane knows: the TSC as an Instant, read once an
// iteration.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace millrace::dpdk {

// Never steps back. Between two looks at the system's monotonic clock, one a second, it runs on the TSC
// alone; a TSC that jumps, as it does when a virtual machine migrates, is noticed by the first reading and
// mended by such a look.
class Clock {
 public:
  // Nanoseconds of a clock that does not jump.
  using Monotonic = int64_t (*)();

  Clock();  // the TSC and CLOCK_MONOTONIC
  Clock(uint64_t cycles_per_second, uint64_t cycles, Monotonic monotonic);

  Instant now();
  Instant at(uint64_t cycles) {
    const uint64_t elapsed = cycles - anchor_cycles_;
    if (elapsed >= cycles_per_second_) [[unlikely]]
      return anchor(cycles);
    const Instant instant = anchor_ + Micros(static_cast<int64_t>((elapsed * micros_per_cycle_) >> kShift));
    return last_ = last_ < instant ? instant : last_;
  }

 private:
  // A second's worth of cycles (below 2^33 for any TSC) times this fraction stays within 64 bits.
  static constexpr unsigned kShift = 32;

  [[gnu::cold]] Instant anchor(uint64_t cycles);

  uint64_t cycles_per_second_;
  uint64_t micros_per_cycle_;  // as a fraction of 2^kShift
  Monotonic monotonic_;
  uint64_t anchor_cycles_;
  int64_t anchor_nanoseconds_;
  Instant anchor_{1s};  // zero is nobody's idea of a time
  Instant last_ = anchor_;
};

}  // namespace millrace::dpdk
