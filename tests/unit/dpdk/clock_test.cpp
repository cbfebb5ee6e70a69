// The clock against TSCs that behave and TSCs that do not.
#include "dpdk/clock.h"

#include <gtest/gtest.h>

namespace millrace::dpdk {
namespace {

constexpr uint64_t kHz = 2'300'000'000;
int64_t monotonic_nanoseconds = 0;

Clock a_clock(uint64_t cycles) {
  monotonic_nanoseconds = 5'000'000'000;
  return {kHz, cycles, [] { return monotonic_nanoseconds; }};
}

TEST(Clock, CyclesOfAMillisecond_AreAMillisecond) {
  Clock clock = a_clock(1000);
  const Instant start = clock.at(1000);
  EXPECT_NEAR(static_cast<double>((clock.at(1000 + kHz / 1000) - start).count()), 1000.0, 1.0);
}

TEST(Clock, HoursOfReadings_FollowTheMonotonicClock) {
  Clock clock = a_clock(0);
  const Instant start = clock.at(0);
  uint64_t cycles = 0;
  for (int second = 0; second < 7200; ++second) {
    cycles += kHz + kHz / 1000;  // a TSC that says 0.1 % too much
    monotonic_nanoseconds += 1'000'000'000;
    clock.at(cycles);
  }
  EXPECT_NEAR(static_cast<double>((clock.at(cycles) - start).count()), 7200e6, 2e3);
}

TEST(Clock, TscStepsBack_TimeGoesOn) {
  Clock clock = a_clock(10 * kHz);
  const Instant before = clock.at(10 * kHz + kHz / 2);
  monotonic_nanoseconds += 600'000'000;
  const Instant after = clock.at(kHz);
  EXPECT_NEAR(static_cast<double>((after - before).count()), 100e3, 1.0);
  EXPECT_NEAR(static_cast<double>((clock.at(kHz + kHz / 1000) - after).count()), 1000.0, 1.0);
}

TEST(Clock, TscJumpsAhead_TimeDoesNot) {
  Clock clock = a_clock(0);
  const Instant before = clock.at(kHz / 2);
  monotonic_nanoseconds += 600'000'000;
  EXPECT_NEAR(static_cast<double>((clock.at(kHz * 1'000'000) - before).count()), 100e3, 1.0);
}

TEST(Clock, MonotonicBehindTheTsc_NeverStepsBack) {
  Clock clock = a_clock(0);
  const Instant before = clock.at(kHz - 1);
  monotonic_nanoseconds += 900'000'000;
  EXPECT_GE(clock.at(kHz + 1), before);
}

}  // namespace
}  // namespace millrace::dpdk
