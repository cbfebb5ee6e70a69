#include <gtest/gtest.h>

#include "cc/controller.h"

namespace millrace::cc {
namespace {

constexpr Instant kNow{1s};

Controller opened(uint16_t smss) {
  Controller cc;
  cc.open(Algorithm::NewReno, smss, 10);
  return cc;
}

void acknowledge(Controller& cc, Bytes octets) {
  cc.on_ack({.now = kNow, .acked = octets, .delivered = octets, .in_flight = cc.cwnd()});
}

// RFC 6928 §2: min(10 * MSS, max(2 * MSS, 14600)).
TEST(NewReno, InitialWindow_IsThatOfRfc6928) {
  EXPECT_EQ(opened(1460).cwnd(), 14600U);
  EXPECT_EQ(opened(536).cwnd(), 5360U);
  EXPECT_EQ(opened(8960).cwnd(), 17920U);
}

TEST(NewReno, SlowStart_GrowsByWhatIsAcknowledgedAtMostTwoSegments) {
  Controller cc = opened(1000);
  acknowledge(cc, 1000);
  EXPECT_EQ(cc.cwnd(), 11000U);
  acknowledge(cc, 100);
  EXPECT_EQ(cc.cwnd(), 11100U);
  acknowledge(cc, 9000);
  EXPECT_EQ(cc.cwnd(), 13100U);
}

TEST(NewReno, CongestionAvoidance_GrowsBySegmentARoundTrip) {
  Controller cc = opened(1000);
  cc.on_timeout(kNow, 20000, true);
  EXPECT_EQ(cc.ssthresh(), 10000U);
  while (cc.cwnd() < cc.ssthresh()) acknowledge(cc, 1000);
  const Bytes start = cc.cwnd();
  for (Bytes acked = 0; acked < start; acked += 1000) acknowledge(cc, 1000);
  EXPECT_EQ(cc.cwnd(), start + 1000);
}

// RFC 5681 §3.2 and RFC 6582 §3.2, as recovery without SACK uses the window.
TEST(NewReno, FastRecovery_HalvesTheFlightInflatesDeflatesAndIsCapped) {
  Controller cc = opened(1000);
  cc.on_enter_recovery(kNow, 10000);
  EXPECT_EQ(cc.ssthresh(), 5000U);
  EXPECT_EQ(cc.cwnd(), 5000U);
  cc.inflate(3000);
  EXPECT_EQ(cc.cwnd(), 8000U);
  cc.inflate(1000);
  cc.deflate(3000);
  EXPECT_EQ(cc.cwnd(), 7000U);
  cc.on_exit_recovery(kNow);
  EXPECT_EQ(cc.cwnd(), 5000U);
  cc.cap(2000);
  EXPECT_EQ(cc.cwnd(), 3000U);
}

TEST(NewReno, SsthreshIsAtLeastTwoSegments) {
  Controller cc = opened(1000);
  cc.on_enter_recovery(kNow, 1000);
  EXPECT_EQ(cc.ssthresh(), 2000U);
}

TEST(NewReno, EcnEcho_HalvesLikeALoss) {
  Controller cc = opened(1000);
  cc.on_ecn(kNow, 10000);
  EXPECT_EQ(cc.ssthresh(), 5000U);
  EXPECT_EQ(cc.cwnd(), 5000U);
}

// RFC 3168 §6.1.2: nor does the acknowledgement that brings it open the window.
TEST(NewReno, EcnEcho_NeverGrowsTheWindow) {
  Controller cc = opened(1000);
  cc.on_timeout(kNow, 10000, true);
  cc.on_ecn(kNow, 1000);
  EXPECT_EQ(cc.cwnd(), 1000U);
  EXPECT_EQ(cc.ssthresh(), 2000U);
  cc.on_ack({.now = kNow, .acked = 1000, .delivered = 1000, .in_flight = 1000, .ecn_echo = true});
  EXPECT_EQ(cc.cwnd(), 1000U);
}

TEST(NewReno, Timeout_LeavesOneSegmentAndARepeatedOneKeepsSsthresh) {
  Controller cc = opened(1000);
  cc.on_timeout(kNow, 10000, true);
  EXPECT_EQ(cc.cwnd(), 1000U);
  EXPECT_EQ(cc.ssthresh(), 5000U);
  cc.on_timeout(kNow, 1000, false);
  EXPECT_EQ(cc.ssthresh(), 5000U);
}

// RFC 4015 §3.2: as before the reduction, and what was gained since is kept.
TEST(NewReno, Undo_GoesBackToTheStateBefore) {
  Controller cc = opened(1000);
  const Controller before = cc;
  cc.on_timeout(kNow, 10000, true);
  cc.undo(kNow, before);
  EXPECT_EQ(cc.cwnd(), 10000U);
  EXPECT_EQ(cc.ssthresh(), kMaxWindow);
}

TEST(NewReno, IdleRestart_FallsBackToTheInitialWindowAndNeverRises) {
  Controller cc = opened(1000);
  for (int i = 0; i < 100; ++i) acknowledge(cc, 1000);
  cc.on_idle_restart(kNow, 10);
  EXPECT_EQ(cc.cwnd(), 10000U);
  cc.on_timeout(kNow, 5000, true);
  cc.on_idle_restart(kNow, 10);
  EXPECT_EQ(cc.cwnd(), 1000U);
}

// RFC 3465 §2.3: after a time-out one acknowledgement may tell of much that had arrived before.
TEST(NewReno, SlowStartAfterATimeout_GrowsByOneSegmentAnAcknowledgement) {
  Controller cc = opened(1000);
  cc.on_timeout(kNow, 20000, true);
  acknowledge(cc, 8000);
  EXPECT_EQ(cc.cwnd(), 2000U);
  while (cc.cwnd() < cc.ssthresh()) acknowledge(cc, 1000);
  acknowledge(cc, 1000);
  cc.on_idle_restart(kNow, 4);
  acknowledge(cc, 8000);
  EXPECT_EQ(cc.cwnd(), 6000U) << "that was then";
}

// RFC 7661 §4.3: a window that is not in use proves nothing.
TEST(NewReno, AppLimited_TheWindowStays) {
  Controller cc = opened(1000);
  const auto limited = [&] {
    cc.on_ack({.now = kNow, .acked = 1000, .delivered = 1000, .in_flight = 1000, .app_limited = true});
  };
  limited();
  EXPECT_EQ(cc.cwnd(), 10000U);
  cc.on_enter_recovery(kNow, 10000);
  for (int i = 0; i < 20; ++i) limited();
  EXPECT_EQ(cc.cwnd(), 5000U);
}

TEST(NewReno, TheWindowHasAnEnd) {
  Controller cc = opened(9000);
  for (int i = 0; i < 200'000; ++i) acknowledge(cc, 18000);
  EXPECT_EQ(cc.cwnd(), 1U << 30);
}

}  // namespace
}  // namespace millrace::cc
