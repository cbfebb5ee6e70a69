// Departures at a rate: how much leaves at once, and when the next may.
#include "cc/pacer.h"

#include <gtest/gtest.h>

#include "flow.h"

namespace millrace::cc {
namespace {

constexpr Bytes kSmss = 1000;

// Sends whenever it may from `now` on, for `time`; looks every `every`. Returns the octets, and the largest burst.
struct Sent {
  uint64_t octets = 0;
  Bytes largest = 0;
};
Sent send_for(Pacer& pacer, Instant& now, Micros time, uint64_t rate, Micros every) {
  Sent sent;
  for (const Instant end = now + time; now < end; now += every) {
    Bytes burst = 0;
    for (; pacer.may_leave(now); burst += kSmss) pacer.sent(kSmss, now, rate, kSmss);
    sent.octets += burst;
    sent.largest = std::max(sent.largest, burst);
  }
  return sent;
}

TEST(Pacer, Bursts_AreAQuantumsTimeBetweenTwoSegmentsAnd64Kilobytes) {
  EXPECT_EQ(Pacer::quantum(10'000, kSmss), 2 * kSmss);
  EXPECT_EQ(Pacer::quantum(125'000'000, kSmss), 32'000U);
  EXPECT_EQ(Pacer::quantum(12'500'000'000, kSmss), Pacer::kMostQuantum);
}

TEST(Pacer, WhateverTheTimersGrain_TheRateIsKept) {
  for (const uint64_t rate : {125'000ULL, 12'500'000ULL, 125'000'000ULL, 1'250'000'000ULL})
    for (const Micros every : {1us, 7us, 64us}) {
      Pacer pacer;
      Instant now{5s};
      const Sent sent = send_for(pacer, now, 2s, rate, every);
      const Bytes quantum = Pacer::quantum(rate, kSmss);
      EXPECT_NEAR(static_cast<double>(sent.octets), static_cast<double>(2 * rate), 3.0 * quantum + 0.001 * static_cast<double>(rate))
          << rate << " by " << every.count();
      EXPECT_LE(sent.largest, quantum + std::max<uint64_t>(quantum, rate / 1'000'000 * 128) + kSmss) << "one that came late, and its successor";
    }
}

// The network has had that time; a burst to make up for it would be one to the network.
TEST(Pacer, WhatComesLate_IsNotMadeUpFor) {
  Pacer pacer;
  Instant now{5s};
  send_for(pacer, now, 100ms, 1'000'000, 64us);
  now += 10s;
  const Sent sent = send_for(pacer, now, 10ms, 1'000'000, 64us);
  EXPECT_LE(sent.largest, 4 * kSmss);
  EXPECT_LE(sent.octets, 10'000 + 4 * kSmss);
}

TEST(Pacer, ARateThatIsNearlyNothing_EndsNowhere) {
  Pacer pacer;
  const Instant now{5000s};
  pacer.sent(65'535, now, 1, kSmss);
  EXPECT_FALSE(pacer.may_leave(now));
  EXPECT_EQ(pacer.next_at(), now + 65'535s);
}

// RFC 9002 §7.7.
TEST(Pacer, TheRate_IsFiveQuartersOfAWindowARoundTripAndTwiceItInSlowStart) {
  for (const Algorithm algorithm : {Algorithm::NewReno, Algorithm::Cubic}) {
    Flow flow(algorithm, 100ms);
    EXPECT_EQ(flow.cc.pacing_rate(0us), 0U) << "without a round trip there is no rate";
    EXPECT_EQ(flow.cc.pacing_rate(100ms), 2 * flow.cc.cwnd() * 10U);
    flow.lose();
    EXPECT_EQ(flow.cc.pacing_rate(100ms), flow.cc.cwnd() * 25U / 2);
    EXPECT_EQ(flow.cc.pacing_rate(1us), uint64_t{flow.cc.cwnd()} * 1'250'000);
  }
}

}  // namespace
}  // namespace millrace::cc
