#include "recovery/rtt.h"

#include <gtest/gtest.h>

namespace millrace::recovery {
namespace {

constexpr RtoBounds kBounds{.initial = 1s, .min = 200ms, .max = 60s};
constexpr RtoBounds kWide{.initial = 1s, .min = 1us, .max = 60s};

TEST(Rtt, WithoutASample_TheInitialRtoApplies) {
  RttEstimator rtt;
  EXPECT_FALSE(rtt.has_sample());
  EXPECT_EQ(rtt.rto(kBounds), 1s);
}

// RFC 6298 §2.2: SRTT <- R, RTTVAR <- R/2, RTO <- SRTT + 4 * RTTVAR.
TEST(Rtt, FirstSample_GivesThreeTimesItself) {
  RttEstimator rtt;
  rtt.sample(100ms);
  EXPECT_EQ(rtt.srtt(), 100ms);
  EXPECT_EQ(rtt.rttvar(), 50ms);
  EXPECT_EQ(rtt.rto(kWide), 300ms);
}

// RFC 6298 §2.3: RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R'|, then SRTT <- 7/8 SRTT + 1/8 R'.
TEST(Rtt, SecondSample_IsWeighed) {
  RttEstimator rtt;
  rtt.sample(100ms);
  rtt.sample(180ms);
  EXPECT_EQ(rtt.rttvar(), 57500us);
  EXPECT_EQ(rtt.srtt(), 110ms);
  EXPECT_EQ(rtt.rto(kWide), 340ms);
}

TEST(Rtt, Rto_StaysWithinItsBounds) {
  RttEstimator rtt;
  rtt.sample(10us);
  EXPECT_EQ(rtt.rto(kBounds), 200ms + 10us);
  RttEstimator slow;
  slow.sample(400s);
  EXPECT_EQ(slow.rto(kBounds), 60s);
}

// A steady path of a long round trip: a lost retransmission is found out after two of them, before the time-out.
TEST(Rtt, EvenLongRoundTrip_LeavesTheLeastRtoBeyondIt) {
  RttEstimator rtt;
  for (int i = 0; i < 100; ++i) rtt.sample(100ms);
  EXPECT_LT(rtt.rttvar(), 1ms);
  EXPECT_EQ(rtt.rto(kBounds), 300ms);
}

TEST(Rtt, Backoff_DoublesUpToTheBoundAndClears) {
  RttEstimator rtt;
  rtt.sample(100ms);
  rtt.back_off();
  EXPECT_EQ(rtt.rto(kBounds), 600ms);
  rtt.back_off();
  EXPECT_EQ(rtt.rto(kBounds), 1200ms);
  for (int i = 0; i < 300; ++i) rtt.back_off();
  EXPECT_EQ(rtt.rto(kBounds), 60s);
  rtt.clear_backoff();
  EXPECT_EQ(rtt.rto(kBounds), 300ms);
}

TEST(Rtt, ABackwardOrHugeSample_DoesNoHarm) {
  RttEstimator rtt;
  rtt.sample(-5s);
  EXPECT_EQ(rtt.srtt(), 1us);
  rtt.sample(Micros::max());
  EXPECT_LE(rtt.srtt(), 600s);
}

}  // namespace
}  // namespace millrace::recovery
