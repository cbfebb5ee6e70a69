#include "dpdk/clock.h"

#include <rte_cycles.h>

#include <algorithm>
#include <ctime>

namespace millrace::dpdk {

namespace {

int64_t system_monotonic() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Clock::Clock() : Clock(rte_get_tsc_hz(), rte_rdtsc(), system_monotonic) {}

Clock::Clock(uint64_t cycles_per_second, uint64_t cycles, Monotonic monotonic)
    : cycles_per_second_(cycles_per_second),
      micros_per_cycle_((uint64_t{1'000'000} << kShift) / cycles_per_second),
      monotonic_(monotonic),
      anchor_cycles_(cycles),
      anchor_nanoseconds_(monotonic()) {}

Instant Clock::now() { return at(rte_rdtsc()); }

Instant Clock::anchor(uint64_t cycles) {
  const int64_t nanoseconds = monotonic_();
  const int64_t elapsed = std::max<int64_t>(nanoseconds - anchor_nanoseconds_, 0) / 1000;
  anchor_ = std::max(last_, anchor_ + Micros(elapsed));
  anchor_nanoseconds_ += elapsed * 1000;
  anchor_cycles_ = cycles;
  return last_ = anchor_;
}

}  // namespace millrace::dpdk
