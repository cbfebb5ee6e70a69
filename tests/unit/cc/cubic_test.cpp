// CUBIC against RFC 9438, in floating point and segments as the RFC writes it.
#include <gtest/gtest.h>

#include <cmath>

#include "cc/controller.h"
#include "flow.h"

namespace millrace::cc {
namespace {

constexpr double kC = 0.4, kBeta = 0.7;

double w_cubic(double t, double k, double w_max) { return kC * std::pow(t - k, 3) + w_max; }
double k_of(double w_max, double cwnd) { return std::cbrt((w_max - cwnd) / kC); }

// RFC 9438 §4.2, Figures 1 and 2.
TEST(Cubic, TheFunctionAndItsRoot_AreThoseOfTheRfc) {
  for (const uint16_t smss : {536, 1000, 1448, 8948}) {
    for (const double w_max : {10.0, 100.0, 1e3, 1e4, 1e5}) {
      const auto lacks = static_cast<Bytes>(w_max * (1 - kBeta) * smss);
      const double k = k_of(w_max, w_max * kBeta);
      if (w_max * smss > kMaxWindow) continue;
      EXPECT_NEAR(Cubic::k_ms(lacks, smss), k * 1000, 1.5) << w_max;
      for (const double t : {0.0, 0.1, 0.5, 1.0, 1.5, 2.0}) {
        const auto elapsed = static_cast<int64_t>((t - 1) * k * 1000);
        const double segments = w_cubic(k + static_cast<double>(elapsed) / 1000, k, w_max);
        const auto octets = static_cast<Bytes>(w_max * smss);
        EXPECT_NEAR(Cubic::w_cubic(octets, smss, elapsed), std::min<double>(segments * smss, kMaxWindow), 1 + smss * 4 / 1e4)
            << w_max << ' ' << t;
      }
    }
  }
}

TEST(Cubic, TheFunction_EndsAtTheLargestWindowAndAtNothing) {
  EXPECT_EQ(Cubic::w_cubic(1000, 1000, int64_t{1} << 40), kMaxWindow);
  EXPECT_EQ(Cubic::w_cubic(1000, 1000, -(int64_t{1} << 40)), 0U);
  EXPECT_EQ(Cubic::k_ms(kMaxWindow, 48), static_cast<uint32_t>(std::cbrt(double{kMaxWindow} / 48 / kC) * 1000));
}

// §4.6: 0.7 of the flight; two segments at least.
TEST(Cubic, Loss_LeavesSevenTenths) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(100);
  const Bytes before = flow.cc.cwnd();
  flow.lose();
  EXPECT_EQ(flow.cc.cwnd(), before * 7 / 10);
  EXPECT_EQ(flow.cc.ssthresh(), before * 7 / 10);
  flow.cc.on_enter_recovery(flow.now, 2000);
  EXPECT_EQ(flow.cc.ssthresh(), 2 * Flow::kSmss);
}

// §4.2, §4.4, §4.5 on a long path, where Reno would be slower: along the curve to W_max in K and beyond.
TEST(Cubic, AfterLoss_TheWindowFollowsTheCubicFunction) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  const double w_max = flow.segments();
  flow.lose();
  const double k = k_of(w_max, flow.segments());
  flow.round();  // the stage begins with its first acknowledgement
  const double begin = flow.seconds() - 0.1;
  for (const double part : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75}) {
    flow.run_to(begin + part * k);
    const double expected = w_cubic(flow.seconds() - begin, k, w_max);
    EXPECT_NEAR(flow.segments(), expected, expected * 0.01) << "at " << part << " K";
  }
}

// The same step by step, from the RFC's equations without ours: §4.2 with its bounds, §4.3, §4.4.
TEST(Cubic, EachAcknowledgement_IsThatOfTheRfcsEquations) {
  for (const Micros rtt : {Micros(20ms), Micros(100ms), Micros(300ms)}) {
    Flow flow(Algorithm::Cubic, rtt);
    flow.grow_to(300);
    flow.lose();
    const double w_max = flow.segments() / kBeta;
    double cwnd = flow.segments(), w_est = cwnd, begin = -1;
    const double k = k_of(w_max, cwnd), r = std::chrono::duration<double>(rtt).count();
    for (int ack = 0; ack < 60'000; ++ack) {
      flow.now += rtt / static_cast<int64_t>(flow.segments());
      if (begin < 0) begin = flow.seconds();
      const double t = flow.seconds() - begin;
      w_est += (w_est >= w_max ? 1 : 3 * (1 - kBeta) / (1 + kBeta)) / cwnd;
      const double target = std::clamp(w_cubic(t + r, k, w_max), cwnd, 1.5 * cwnd);
      cwnd = w_cubic(t, k, w_max) < w_est ? std::max(cwnd, w_est) : cwnd + (target - cwnd) / cwnd;
      flow.acknowledge(Flow::kSmss);
      // Reno's estimate moves by whole segments with us.
      ASSERT_NEAR(flow.segments(), cwnd, 1.5 + cwnd * 0.005) << "after " << ack << " at " << t << " s";
    }
  }
}

// §4.3: where Reno would be faster, alpha is 9/17 of a segment a round trip up to where loss came, then 1.
TEST(Cubic, OnAShortPath_ItGrowsAsRenoWould) {
  Flow flow(Algorithm::Cubic, 10ms);
  flow.grow_to(100);
  flow.lose();
  const double start = flow.segments();
  flow.rounds(17);
  EXPECT_NEAR(flow.segments(), start + 9, 1);
  flow.rounds(17);
  EXPECT_NEAR(flow.segments(), start + 18, 1);
  while (flow.segments() < 101) flow.round();
  const double later = flow.segments();
  flow.rounds(20);
  EXPECT_NEAR(flow.segments(), later + 20, 1);
}

// §4.7: loss below W_max moves the saturation point further down.
TEST(Cubic, LossBelowTheLastMaximum_MakesRoomForOthers) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  flow.lose();  // 700
  flow.lose();  // 490 from 700, which is below 1000: W_max = 0.85 * 700
  const double w_max = 700 * (1 + kBeta) / 2, k = k_of(w_max, 490);
  flow.round();
  const double begin = flow.seconds() - 0.1;
  flow.run_to(begin + k);
  EXPECT_NEAR(flow.segments(), w_max, 3);
  flow.run_to(begin + 1.6 * k);
  const double expected = w_cubic(flow.seconds() - begin, k, w_max);
  EXPECT_NEAR(flow.segments(), expected, expected * 0.02);
}

// §4.3 again: with fast convergence Reno's pace begins at cwnd_prior, which lies above W_max.
TEST(Cubic, AfterConvergence_RenosPaceBeginsWhereLossCame) {
  Flow flow(Algorithm::Cubic, 5ms);
  flow.grow_to(100);
  flow.lose();  // 70
  flow.lose();  // 49; W_max 59.5, cwnd_prior 70
  while (flow.segments() < 60) flow.round();
  const double from = flow.segments();
  flow.rounds(17);
  EXPECT_NEAR(flow.segments(), from + 9, 1);
  while (flow.segments() < 71) flow.round();
  const double later = flow.segments();
  flow.rounds(15);
  EXPECT_NEAR(flow.segments(), later + 15, 1);
}

// §4.8: slow start to ssthresh, then from there with K = 0.
TEST(Cubic, AfterATimeOut_TheCurveBeginsWhereSlowStartEnds) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  flow.cc.on_timeout(flow.now, flow.cc.cwnd(), true);
  EXPECT_EQ(flow.cc.cwnd(), Flow::kSmss);
  EXPECT_EQ(flow.cc.ssthresh(), 700 * Flow::kSmss);
  // RFC 3465 §2.3: an acknowledgement of much that had arrived before counts for one segment.
  flow.acknowledge(50 * Flow::kSmss);
  EXPECT_EQ(flow.cc.cwnd(), 2 * Flow::kSmss);
  while (flow.cc.cwnd() < flow.cc.ssthresh()) flow.acknowledge(Flow::kSmss);
  flow.round();
  const double begin = flow.seconds() - 0.1;
  flow.run_to(begin + 5);
  const double expected = w_cubic(flow.seconds() - begin, 0, 700);
  EXPECT_NEAR(flow.segments(), expected, expected * 0.02);
}

TEST(Cubic, ARepeatedTimeOut_KeepsSsthresh) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.cc.on_timeout(flow.now, 10'000, true);
  flow.cc.on_timeout(flow.now, 1'000, false);
  EXPECT_EQ(flow.cc.ssthresh(), 7'000U);
}

// §4.9: everything as it was, and the curve goes on.
TEST(Cubic, Undo_GoesOnAlongTheOldCurve) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  flow.lose();
  flow.rounds(20);
  Flow other = flow;
  const Controller before = flow.cc;
  flow.cc.on_enter_recovery(flow.now, flow.cc.cwnd());
  EXPECT_LT(flow.cc.cwnd(), before.cwnd());
  flow.cc.undo(flow.now, before);
  EXPECT_EQ(flow.cc.cwnd(), before.cwnd());
  EXPECT_EQ(flow.cc.ssthresh(), before.ssthresh());
  flow.rounds(50);
  other.rounds(50);
  EXPECT_EQ(flow.cc.cwnd(), other.cc.cwnd());
}

// §4.9.2: "SHOULD continue to use the current and the most recent values".
TEST(Cubic, UndoThatComesLate_ChangesNothing) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(100);
  const Controller before = flow.cc;
  flow.lose();
  while (flow.cc.cwnd() < before.cwnd() + 5000) flow.round();
  const Bytes cwnd = flow.cc.cwnd(), ssthresh = flow.cc.ssthresh();
  flow.cc.undo(flow.now, before);
  EXPECT_EQ(flow.cc.cwnd(), cwnd);
  EXPECT_EQ(flow.cc.ssthresh(), ssthresh);
}

// §5.8 and §4.2: no growth, and the time does not count.
TEST(Cubic, AppLimited_NeitherTheWindowNorItsCurveMovesOn) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  flow.lose();
  flow.rounds(20);
  Flow busy = flow;
  const Bytes cwnd = flow.cc.cwnd();
  for (int i = 0; i < 600; ++i) {  // a minute
    flow.now += 100ms;
    flow.acknowledge(1000, true);
  }
  EXPECT_EQ(flow.cc.cwnd(), cwnd);
  flow.rounds(20);
  busy.rounds(20);
  EXPECT_NEAR(flow.segments(), busy.segments(), 2);
}

TEST(Cubic, Idle_DoesNotCountEither) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  flow.lose();
  flow.rounds(20);
  Flow busy = flow;
  flow.now += 60s;
  flow.rounds(20);
  busy.rounds(21);  // the first flight after it counts
  EXPECT_NEAR(flow.segments(), busy.segments(), 2);
}

// RFC 5681 §4.1, and the next stage goes to the W_max that is known.
TEST(Cubic, RestartAfterIdle_BeginsANewStageTowardsTheOldMaximum) {
  Flow flow(Algorithm::Cubic, 100ms);
  flow.grow_to(1000);
  flow.lose();
  flow.rounds(10);
  flow.now += 60s;
  flow.cc.on_idle_restart(flow.now, 10);
  EXPECT_EQ(flow.cc.cwnd(), 10 * Flow::kSmss);
  while (flow.cc.cwnd() < flow.cc.ssthresh()) flow.acknowledge(Flow::kSmss);
  const double k = k_of(1000, flow.segments());
  flow.round();
  const double begin = flow.seconds() - 0.1;
  flow.run_to(begin + k);
  EXPECT_NEAR(flow.segments(), 1000, 5);
}

TEST(Cubic, AnotherAlgorithm_GoesOnWithTheWindow) {
  Flow flow(Algorithm::NewReno, 100ms);
  flow.grow_to(100);
  flow.lose();
  const Bytes cwnd = flow.cc.cwnd();
  flow.cc.choose(Algorithm::Cubic);
  EXPECT_EQ(flow.cc.algorithm(), Algorithm::Cubic);
  EXPECT_EQ(flow.cc.cwnd(), cwnd);
  flow.round();
  const double begin = flow.seconds() - 0.1;
  flow.run_to(begin + 6);  // K is 0: nothing is known of an earlier maximum
  EXPECT_NEAR(flow.segments(), w_cubic(flow.seconds() - begin, 0, static_cast<double>(cwnd) / 1000),
              flow.segments() * 0.02);
  flow.cc.choose(Algorithm::NewReno);
  const double reno = flow.segments();
  flow.rounds(10);
  EXPECT_NEAR(flow.segments(), reno + 10, 1);
}

TEST(Cubic, TheWindowHasAnEnd_AndADayWithoutLossDoesNotTurnTheClock) {
  Flow flow(Algorithm::Cubic, 100ms, 9000);
  flow.grow_to(100);
  flow.lose();
  for (int i = 0; i < 40; ++i) {
    flow.now += std::chrono::hours(24);
    flow.rtt = std::chrono::hours(24);
    flow.acknowledge(18'000);
    EXPECT_GE(flow.cc.cwnd(), 70U * 9000);
  }
  for (int i = 0; i < 100'000; ++i) flow.acknowledge(kMaxWindow / 1000);
  EXPECT_EQ(flow.cc.cwnd(), kMaxWindow);
}

// Two flows that share a bottleneck and lose together come to equal windows, whatever they began with.
TEST(Cubic, TwoFlows_Converge) {
  Flow one(Algorithm::Cubic, 50ms), two(Algorithm::Cubic, 50ms);
  one.grow_to(900);
  two.grow_to(50);
  one.lose();
  two.lose();
  for (int round = 0; round < 4000; ++round) {
    one.round();
    two.round();
    if (one.segments() + two.segments() < 1000) continue;
    one.lose();
    two.lose();
  }
  const double total = one.segments() + two.segments();
  const double jain = total * total / (2 * (one.segments() * one.segments() + two.segments() * two.segments()));
  EXPECT_GT(jain, 0.99) << one.segments() << ' ' << two.segments();
}

}  // namespace
}  // namespace millrace::cc
