// The model and each state's exit (draft-ietf-ccwg-bbr §5 and its example test cases), on a path that is known.
#include <gtest/gtest.h>

#include <cmath>

#include "bbr_path.h"
#include "cc/controller.h"

namespace millrace::cc {
namespace {

using enum Bbr::State;

constexpr uint64_t kRate = 5'000'000;  // 5 segments a millisecond
constexpr Micros kRound = 40ms;        // 200 of them

double share(uint64_t have, double of) { return static_cast<double>(have) / of; }

// ---- Startup and Drain

TEST(Bbr, Startup_EndsAFewRoundsAfterThePlateau) {
  for (const uint64_t rate : {125'000ULL, 5'000'000ULL, 125'000'000ULL})
    for (const Micros round : {1ms, 40ms, 300ms}) {
      BbrPath path(rate, round);
      ASSERT_TRUE(path.run_until([&] { return path.bbr->full_bw_reached(); }, 20s)) << rate << " " << round.count();
      if (path.bdp() < 20 * BbrPath::kSmss) continue;  // that much is in flight at least
      EXPECT_NEAR(share(path.bbr->max_bw(), static_cast<double>(rate)), 1, 0.02) << rate << " " << round.count();
      EXPECT_LE(path.bbr->round_count(), std::log2(path.bdp() / 10'000) + 9) << rate << " " << round.count();
    }
}

TEST(Bbr, Startup_DoublesAndKeepsTheQueueToAProductAndABit) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(Drain));
  EXPECT_LE(path.most_in_flight, 2.3 * path.bdp() + 3 * 64'000);
}

TEST(Bbr, AppLimitedStartup_DoesNotTakeTheApplicationForThePath) {
  BbrPath path(kRate, kRound);
  path.budget = 0;
  for (int i = 0; i < 30; ++i) {
    path.budget += 5'000;
    path.run_for(kRound);
  }
  EXPECT_EQ(path.bbr->state(), Startup);
  EXPECT_FALSE(path.bbr->full_bw_reached());
}

TEST(Bbr, StartupWithMuchLoss_EndsThoughTheApplicationLimits) {
  BbrPath path(kRate, kRound);
  int number = 0;
  path.loses = [&] { return ++number % 10 == 0; };
  path.budget = 0;
  for (int i = 0; i < 200 && path.bbr->state() == Startup; ++i) {
    path.budget += 80'000;
    path.run_for(kRound);
  }
  EXPECT_TRUE(path.bbr->full_bw_reached());
  EXPECT_LT(path.bbr->inflight_longterm(), Bbr::kInfinite);
}

TEST(Bbr, StartupWithLittleLoss_GoesOn) {
  BbrPath path(kRate, kRound);
  int number = 0;
  path.loses = [&] { return ++number % 100 == 0; };
  ASSERT_TRUE(path.reach(Drain));
  EXPECT_NEAR(share(path.bbr->max_bw(), kRate), 1, 0.03);
  EXPECT_EQ(path.bbr->inflight_longterm(), Bbr::kInfinite) << "by the plateau";
}

TEST(Bbr, Drain_EndsWhenTheQueueIsEmpty) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(Drain));
  EXPECT_GT(path.in_flight, 1.4 * path.bdp());
  EXPECT_NEAR(share(path.bbr->pacing_rate(), static_cast<double>(path.bbr->bw()) * 0.99), 0.5, 0.01);
  ASSERT_TRUE(path.run_until([&] { return path.bbr->state() > Drain; }, 10 * kRound));
  EXPECT_LE(path.in_flight, 1.05 * path.bdp());
}

TEST(Bbr, DrainOfAnOverestimate_EndsAfterThreeRounds) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(Drain));
  path.rate = kRate / 4;
  const uint32_t round = path.bbr->round_count();
  ASSERT_TRUE(path.run_until([&] { return path.bbr->state() > Drain; }, 20s));
  EXPECT_GT(path.in_flight, 1.05 * path.bdp());
  EXPECT_LE(path.bbr->round_count(), round + 4);
}

// ---- ProbeBW

TEST(Bbr, ProbeBw_GoesRoundItsFourStates) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise, 2s));
  const Instant cruise = path.now;
  ASSERT_TRUE(path.reach(ProbeBwRefill, 4s));
  EXPECT_LE(path.now - cruise, 3100ms);
  EXPECT_GE(path.now - cruise, 1800ms) << "63 rounds, or two seconds";
  const uint32_t round = path.bbr->round_count();
  ASSERT_TRUE(path.reach(ProbeBwUp, 4 * kRound));
  EXPECT_EQ(path.bbr->round_count(), round + 1) << "a round fills the path";
  ASSERT_TRUE(path.reach(ProbeBwDown, 20 * kRound));
  EXPECT_LE(path.bbr->round_count(), round + 7);
  ASSERT_TRUE(path.reach(ProbeBwCruise, 40 * kRound));
}

TEST(Bbr, Cruise_UsesThePathAndKeepsNoQueue) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  const uint64_t before = path.delivered;
  path.most_in_flight = 0;
  path.run_for(1500ms);
  ASSERT_EQ(path.bbr->state(), ProbeBwCruise);
  EXPECT_NEAR(share(path.delivered - before, 1.5 * kRate), 0.99, 0.02) << "the margin of one percent";
  EXPECT_LE(path.most_in_flight, 1.1 * path.bdp());
}

TEST(Bbr, ShortPath_ProbesAsOftenAsRenoWould) {
  BbrPath path(kRate, 4ms);  // 20 segments
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  const Instant cruise = path.now;
  ASSERT_TRUE(path.reach(ProbeBwRefill));
  EXPECT_LE(path.now - cruise, 30 * 6ms);
}

TEST(Bbr, MoreBandwidth_IsFoundInAProbe) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.rate = 4 * kRate;
  path.run_for(12s);
  EXPECT_NEAR(share(path.bbr->max_bw(), 4 * kRate), 1, 0.05);
}

// The filter holds two cycles of ProbeBW.
TEST(Bbr, LessBandwidth_IsBelievedAfterTwoCycles) {
  BbrPath path(kRate, kRound, 400'000);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.rate = kRate / 2;
  path.run_for(1s);
  EXPECT_GT(path.bbr->max_bw(), kRate * 9 / 10);
  path.run_for(14s);
  EXPECT_LT(path.bbr->max_bw(), kRate * 6 / 10);
}

TEST(Bbr, ProbeThatLoses_RemembersWhatWasInFlight) {
  BbrPath path(kRate, kRound, 40'000);  // a fifth of what is in flight
  ASSERT_TRUE(path.reach(ProbeBwUp));
  ASSERT_TRUE(path.reach(ProbeBwDown));
  ASSERT_LT(path.bbr->inflight_longterm(), Bbr::kInfinite);
  EXPECT_NEAR(share(path.bbr->inflight_longterm(), path.bdp() + 40'000), 1, 0.1);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.run_for(300ms);
  EXPECT_LE(path.window.cwnd, 0.86 * path.bbr->inflight_longterm()) << "headroom for others";
}

TEST(Bbr, ShallowQueue_IsFilledWithLittleLoss) {
  BbrPath path(kRate, kRound, 20'000);
  path.run_for(5s);
  const uint64_t delivered = path.delivered, lost = path.lost;
  path.run_for(20s);
  EXPECT_GT(share(path.delivered - delivered, 20.0 * kRate), 0.85);
  EXPECT_LT(share(path.lost - lost, 20.0 * kRate), 0.02);
}

TEST(Bbr, RandomLossOfOnePercent_DoesNotSlowItDown) {
  BbrPath path(kRate, kRound);
  uint32_t random = 1;
  path.loses = [&] { return (random = random * 1664525 + 1013904223) % 100'003 < 1000; };
  path.run_for(5s);
  const uint64_t delivered = path.delivered;
  path.run_for(20s);
  EXPECT_GT(share(path.delivered - delivered, 20.0 * kRate), 0.8);
}

// ---- loss while it does not probe

TEST(Bbr, LossInCruise_LowersTheShortTermBoundsByThreeTenthsAtMost) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  bool once = false;
  path.loses = [&] { return !std::exchange(once, true); };
  ASSERT_TRUE(path.run_until([&] { return path.bbr->bw_shortterm() != Bbr::kInfiniteRate; }, 10 * kRound));
  EXPECT_EQ(path.bbr->state(), ProbeBwCruise);
  EXPECT_GE(path.bbr->bw_shortterm(), path.bbr->max_bw() * 7 / 10);
  EXPECT_LT(path.bbr->inflight_shortterm(), Bbr::kInfinite);
  EXPECT_EQ(path.bbr->inflight_longterm(), Bbr::kInfinite);
  ASSERT_TRUE(path.reach(ProbeBwRefill));
  EXPECT_EQ(path.bbr->bw_shortterm(), Bbr::kInfiniteRate) << "forgotten where it probes again";
  EXPECT_EQ(path.bbr->inflight_shortterm(), Bbr::kInfinite);
}

TEST(Bbr, LossForNothing_IsUndone) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwUp));
  int number = 0;
  path.loses = [&] { return ++number % 10 == 0; };
  ASSERT_TRUE(path.reach(ProbeBwDown));
  EXPECT_LT(path.bbr->inflight_longterm(), Bbr::kInfinite);
  path.bbr->on_undo(path.window);
  EXPECT_EQ(path.bbr->state(), ProbeBwRefill) << "the probe begins again";
  EXPECT_EQ(path.bbr->inflight_longterm(), Bbr::kInfinite);
  EXPECT_EQ(path.bbr->bw_shortterm(), Bbr::kInfiniteRate);
}

// All of them found by one acknowledgement, before recovery begins.
TEST(Bbr, LossesForNothing_AtOnce_AreUndone) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwUp));
  ASSERT_TRUE(path.run_until([&] { return path.in_flight > 1.1 * path.bdp(); }, 4 * kRound));
  for (Seq at{1}; path.bbr->state() == ProbeBwUp && at.before(Seq{100'000}); at += BbrPath::kSmss)
    path.bbr->on_lost(path.window, path.now, path.now - kRound, at, at + BbrPath::kSmss, true);
  ASSERT_EQ(path.bbr->state(), ProbeBwDown);
  path.bbr->on_enter_recovery(path.window);
  path.bbr->on_undo(path.window);
  EXPECT_EQ(path.bbr->state(), ProbeBwRefill);
  EXPECT_EQ(path.bbr->inflight_longterm(), Bbr::kInfinite);
}

TEST(Bbr, TailLoss_CountsAsALoss) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.bbr->on_tail_loss(path.window);
  EXPECT_FALSE(path.bbr->in_recovery());
  path.run_for(3 * kRound);
  EXPECT_LT(path.bbr->inflight_shortterm(), Bbr::kInfinite);
}

TEST(Bbr, TimeOut_LeavesOneSegmentUntilAnAcknowledgement) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  const Bytes before = path.window.cwnd;
  path.bbr->on_timeout(path.window);
  EXPECT_EQ(path.window.cwnd, BbrPath::kSmss);
  path.bbr->on_exit_recovery(path.window);
  EXPECT_EQ(path.window.cwnd, before);
}

// ---- congestion marks

TEST(Bbr, EchoesInTwoRoundsOfStartup_EndIt) {
  BbrPath free(kRate, kRound), marked(kRate, kRound);
  ASSERT_TRUE(free.reach(Drain));
  marked.marks = [](Bytes backlog) { return backlog > 20'000; };
  ASSERT_TRUE(marked.reach(Drain));
  EXPECT_EQ(marked.echoes, 2U);
  EXPECT_LT(marked.most_in_flight, free.most_in_flight);
  EXPECT_LT(marked.bbr->inflight_longterm(), Bbr::kInfinite);
  EXPECT_NEAR(share(marked.bbr->max_bw(), kRate), 1, 0.05);
}

TEST(Bbr, OneEchoInStartup_GoesOn) {
  BbrPath path(kRate, kRound);
  bool once = false;
  path.marks = [&](Bytes) { return path.in_flight > 40'000 && !std::exchange(once, true); };
  ASSERT_TRUE(path.reach(Drain));
  EXPECT_EQ(path.echoes, 1U);
  EXPECT_NEAR(share(path.bbr->max_bw(), kRate), 1, 0.03);
  EXPECT_EQ(path.bbr->inflight_longterm(), Bbr::kInfinite) << "by the plateau";
}

TEST(Bbr, EchoInCruise_LowersTheShortTermBoundsAsALossDoes) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  bool once = false;
  path.marks = [&](Bytes) { return !std::exchange(once, true); };
  ASSERT_TRUE(path.run_until([&] { return path.bbr->bw_shortterm() != Bbr::kInfiniteRate; }, 10 * kRound));
  EXPECT_GE(path.bbr->bw_shortterm(), path.bbr->max_bw() * 7 / 10);
  EXPECT_LT(path.bbr->inflight_shortterm(), Bbr::kInfinite);
  EXPECT_FALSE(path.bbr->in_recovery());
}

TEST(Bbr, EchoInAProbe_EndsItAndIsNotUndone) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwUp));
  path.marks = [](Bytes backlog) { return backlog > 20'000; };
  ASSERT_TRUE(path.reach(ProbeBwDown));
  EXPECT_EQ(path.echoes, 1U);
  const Bytes longterm = path.bbr->inflight_longterm();
  EXPECT_NEAR(share(longterm, path.bdp() + 20'000), 1, 0.2);
  path.bbr->on_lost(path.window, path.now, path.now - kRound, Seq{1}, Seq{1} + BbrPath::kSmss, true);
  path.bbr->on_enter_recovery(path.window);
  path.bbr->on_undo(path.window);
  EXPECT_EQ(path.bbr->state(), ProbeBwDown);
  EXPECT_EQ(path.bbr->inflight_longterm(), longterm);
}

TEST(Bbr, LossForNothingBesideAnEcho_TheEchoCounts) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  bool once = false;
  path.marks = [&](Bytes) { return !std::exchange(once, true); };
  ASSERT_TRUE(path.run_until([&] { return path.echoes == 1; }, 4 * kRound));
  path.bbr->on_lost(path.window, path.now, path.now - kRound, Seq{1}, Seq{1} + BbrPath::kSmss, true);
  path.bbr->on_enter_recovery(path.window);
  path.run_for(kRound / 2);
  path.bbr->on_undo(path.window);
  path.run_for(kRound);
  EXPECT_LT(path.bbr->bw_shortterm(), Bbr::kInfiniteRate);
}

TEST(Bbr, QueueThatMarks_StaysShortAndThePathFull) {
  BbrPath path(kRate, kRound);
  path.marks = [](Bytes backlog) { return backlog > 10'000; };  // 2 ms
  path.run_for(5s);
  const uint64_t delivered = path.delivered;
  path.most_in_flight = 0;
  path.run_for(20s);
  EXPECT_GT(share(path.delivered - delivered, 20.0 * kRate), 0.85);
  EXPECT_LT(path.most_in_flight, 1.5 * path.bdp());
}

// ---- another algorithm instead

TEST(Bbr, LeftInRecovery_TheNextEndsItWithHalfTheWindow) {
  for (const auto next : {Algorithm::NewReno, Algorithm::Cubic}) {
    Bbr model(10'000, 7);
    Controller controller;
    controller.open(Algorithm::Bbr, 1000, 10, &model);
    controller.on_enter_recovery(Instant{1s}, 10'000);
    controller.choose(next);
    EXPECT_EQ(controller.cwnd(), 10'000U);
    controller.on_exit_recovery(Instant{2s});
    EXPECT_EQ(controller.cwnd(), 5'000U);
  }
}

// ---- ProbeRTT

TEST(Bbr, ProbeRtt_ComesAfterFiveSecondsWithoutAShorterRoundTripAndLastsAFifthOfOne) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeRtt));
  EXPECT_NEAR(std::chrono::duration<double>(path.now - Instant{1s}).count(), 5, 1.2);
  const Instant begin = path.now;
  ASSERT_TRUE(path.run_until([&] { return path.bbr->state() != ProbeRtt; }, 2s));
  EXPECT_EQ(path.bbr->state(), ProbeBwCruise);
  EXPECT_GE(path.now - begin, 200ms);
  EXPECT_LE(path.now - begin, 200ms + 4 * kRound);
  EXPECT_LE(path.in_flight, 0.6 * path.bdp());
  path.run_for(2 * kRound);
  EXPECT_GE(path.window.cwnd, path.bdp()) << "the window of before";
  ASSERT_TRUE(path.reach(ProbeRtt));
  EXPECT_GE(path.now - begin, 5s);
}

TEST(Bbr, LongerPath_IsBelievedAfterTenSeconds) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  EXPECT_NEAR(share(static_cast<uint64_t>(path.bbr->min_rtt().count()), 40'000), 1, 0.02);
  path.round = 80ms;
  path.run_for(1s);
  EXPECT_LT(path.bbr->min_rtt(), 45ms);
  path.run_for(16s);
  EXPECT_NEAR(share(static_cast<uint64_t>(path.bbr->min_rtt().count()), 80'000), 1, 0.05);
}

TEST(Bbr, ShorterPath_IsBelievedAtOnce) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.round = 20ms;
  path.run_for(100ms);
  EXPECT_LT(path.bbr->min_rtt(), 25ms);
}

// ---- idle

TEST(Bbr, RestartAfterIdle_KeepsTheWindowAndThePaceOfThePath) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.stop();
  path.run_for(3s);
  ASSERT_EQ(path.in_flight, 0U);
  const Bytes cwnd = path.window.cwnd;
  path.budget = 1'000'000;
  path.run_for(10ms);
  EXPECT_EQ(path.window.cwnd, cwnd);
  EXPECT_NEAR(share(path.bbr->pacing_rate(), kRate), 0.99, 0.03);
  path.run_for(4s);  // its last samples are the application's limit, not the path's
  EXPECT_NEAR(share(path.bbr->max_bw(), kRate), 1, 0.03);
}

TEST(Bbr, IdleForLong_NeedsNoProbeRtt) {
  BbrPath path(kRate, kRound);
  ASSERT_TRUE(path.reach(ProbeBwCruise));
  path.stop();
  path.run_for(8s);
  path.budget = 200'000;
  const bool probed = path.run_until([&] { return path.bbr->state() == ProbeRtt; }, 300ms);
  EXPECT_FALSE(probed);
}

// ---- without SACK

TEST(Bbr, WithoutSack_OneLossInRecoveryEndsStartup) {
  BbrPath path(kRate, kRound);
  path.sack = false;
  bool once = false;
  path.loses = [&] { return path.in_flight > 60'000 && !std::exchange(once, true); };
  ASSERT_TRUE(path.reach(Drain));
  EXPECT_LT(path.bbr->inflight_longterm(), Bbr::kInfinite);
}

}  // namespace
}  // namespace millrace::cc
