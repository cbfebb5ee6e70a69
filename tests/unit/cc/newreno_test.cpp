#include "cc/newreno.h"

#include <gtest/gtest.h>

namespace millrace::cc {
namespace {

NewReno opened(Bytes smss) {
  NewReno cc;
  cc.open(smss, 10);
  return cc;
}

// RFC 6928 §2: min(10 * MSS, max(2 * MSS, 14600)).
TEST(NewReno, InitialWindow_IsThatOfRfc6928) {
  EXPECT_EQ(opened(1460).cwnd(), 14600U);
  EXPECT_EQ(opened(536).cwnd(), 5360U);
  EXPECT_EQ(opened(8960).cwnd(), 17920U);
}

TEST(NewReno, SlowStart_GrowsByWhatIsAcknowledgedAtMostTwoSegments) {
  NewReno cc = opened(1000);
  cc.on_ack(1000);
  EXPECT_EQ(cc.cwnd(), 11000U);
  cc.on_ack(100);
  EXPECT_EQ(cc.cwnd(), 11100U);
  cc.on_ack(9000);
  EXPECT_EQ(cc.cwnd(), 13100U);
}

TEST(NewReno, CongestionAvoidance_GrowsBySegmentARoundTrip) {
  NewReno cc = opened(1000);
  cc.on_timeout(20000, true);
  EXPECT_EQ(cc.ssthresh(), 10000U);
  while (cc.cwnd() < cc.ssthresh()) cc.on_ack(1000);
  const Bytes start = cc.cwnd();
  for (Bytes acked = 0; acked < start; acked += 1000) cc.on_ack(1000);
  EXPECT_EQ(cc.cwnd(), start + 1000);
}

// RFC 5681 §3.2.
TEST(NewReno, FastRetransmit_HalvesTheFlightAndInflatesByThree) {
  NewReno cc = opened(1000);
  cc.on_fast_retransmit(10000);
  EXPECT_EQ(cc.ssthresh(), 5000U);
  EXPECT_EQ(cc.cwnd(), 8000U);
  cc.on_recovery_duplicate();
  EXPECT_EQ(cc.cwnd(), 9000U);
  cc.on_partial_ack(3000);
  EXPECT_EQ(cc.cwnd(), 7000U);
  cc.on_recovered(2000);
  EXPECT_EQ(cc.cwnd(), 3000U);
}

TEST(NewReno, SsthreshIsAtLeastTwoSegments) {
  NewReno cc = opened(1000);
  cc.on_fast_retransmit(1000);
  EXPECT_EQ(cc.ssthresh(), 2000U);
}

TEST(NewReno, Timeout_LeavesOneSegmentAndARepeatedOneKeepsSsthresh) {
  NewReno cc = opened(1000);
  cc.on_timeout(10000, true);
  EXPECT_EQ(cc.cwnd(), 1000U);
  EXPECT_EQ(cc.ssthresh(), 5000U);
  cc.on_timeout(1000, false);
  EXPECT_EQ(cc.ssthresh(), 5000U);
}

TEST(NewReno, IdleRestart_FallsBackToTheInitialWindowAndNeverRises) {
  NewReno cc = opened(1000);
  for (int i = 0; i < 100; ++i) cc.on_ack(1000);
  cc.on_idle_restart(10);
  EXPECT_EQ(cc.cwnd(), 10000U);
  cc.on_timeout(5000, true);
  cc.on_idle_restart(10);
  EXPECT_EQ(cc.cwnd(), 1000U);
}

TEST(NewReno, TheWindowHasAnEnd) {
  NewReno cc = opened(9000);
  for (int i = 0; i < 200'000; ++i) cc.on_ack(18000);
  EXPECT_EQ(cc.cwnd(), 1U << 30);
}

}  // namespace
}  // namespace millrace::cc
