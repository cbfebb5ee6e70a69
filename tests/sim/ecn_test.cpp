// Explicit Congestion Notification (RFC 3168) against queues that mark: what they would have dropped arrives.
// Virtual time, seeded; the figures are printed.
#include <gtest/gtest.h>

#include <cstdio>

#include "bulk.h"

namespace millrace::sim::test {
namespace {

using enum CongestionControl;

constexpr QueueParams kCoDel{.discipline = Discipline::CoDel, .ecn = true};
constexpr QueueParams kStep{.discipline = Discipline::EcnStep, .target = 2ms};

class Ecn : public testing::TestWithParam<Family> {
 protected:
  static TcpParams with(EcnMode mode) {
    TcpParams tcp;
    tcp.ecn = mode;
    return tcp;
  }
};

std::string name_of_family(const testing::TestParamInfo<Family>& info) {
  return info.param == Family::V4 ? "v4" : "v6";
}
INSTANTIATE_TEST_SUITE_P(Families, Ecn, testing::Values(Family::V4, Family::V6), name_of_family);

// RFC 8289 §4.6: CoDel marks what it would drop, and drops it from who does not take part.
TEST_P(Ecn, CoDel_MarksInsteadOfDropping) {
  for (const auto algorithm : {NewReno, Cubic}) {
    uint64_t retransmitted[2];
    for (const bool on : {false, true}) {
      BulkWorld bulk({.queue_bdps = 8, .queue = kCoDel}, 1, with(on ? EcnMode::On : EcnMode::Off));
      bulk.add(algorithm, GetParam());
      bulk.world.run_for(5s);
      // What slow start overruns is past.
      const uint64_t before = bulk.counters().tcp_retransmitted_segments.value();
      const double share = sum(bulk.shares(12s));
      retransmitted[on] = bulk.counters().tcp_retransmitted_segments.value() - before;
      const uint64_t reductions = bulk.counters().tcp_ecn_reductions.value();
      std::printf("ecn %s: %.3f of the rate, %llu sent again, %llu reductions by ECE\n", on ? "on" : "off", share,
                  static_cast<unsigned long long>(retransmitted[on]), static_cast<unsigned long long>(reductions));
      EXPECT_GT(share, 0.72);
      EXPECT_EQ(reductions != 0, on);
    }
    EXPECT_GT(retransmitted[0], 0U);
    EXPECT_EQ(retransmitted[1], 0U);
  }
}

// A shallow threshold (RFC 8257 §3.1) keeps the queue short, and two flows share what there is.
TEST_P(Ecn, StepThreshold_KeepsTheQueueShortWithoutLoss) {
  BulkWorld bulk({.round_trip = 10ms, .queue_bdps = 16, .queue = kStep}, 1, with(EcnMode::On));
  bulk.add(NewReno, GetParam());
  bulk.add(NewReno, GetParam());
  bulk.world.run_for(5s);
  const std::vector<double> shares = bulk.shares(12s);
  const Micros srtt = bulk.sources[0]->connection->tcb().cold.rtt.srtt();
  std::printf("step: %.3f and %.3f of the rate, round trip %.1f ms\n", shares[0], shares[1],
              static_cast<double>(srtt.count()) / 1000);
  EXPECT_GT(sum(shares), 0.72);
  EXPECT_GT(jain(shares), 0.8);
  EXPECT_LT(srtt, 16ms) << "10 ms of path, 2 ms of queue, and what one round trip adds";
  EXPECT_EQ(bulk.counters().tcp_retransmitted_segments.value(), 0U);
}

// RFC 3168 §6.1.2: at most one reduction a round trip, however many segments were marked.
TEST_P(Ecn, Reductions_AreAtMostOneARoundTrip) {
  BulkWorld bulk({.round_trip = 20ms, .queue_bdps = 8, .queue = kStep}, 1, with(EcnMode::On));
  bulk.add(NewReno, GetParam());
  bulk.world.run_for(20s);
  const Counters& sender = bulk.counters();
  const Counters& receiver = bulk.world.shard(bulk.right).counters();
  std::printf("%llu marks, %llu ECE, %llu reductions in 1000 round trips\n",
              static_cast<unsigned long long>(receiver.tcp_ecn_ce_received.value()),
              static_cast<unsigned long long>(sender.tcp_ecn_echoes_received.value()),
              static_cast<unsigned long long>(sender.tcp_ecn_reductions.value()));
  EXPECT_GT(sender.tcp_ecn_reductions.value(), 5U);
  EXPECT_LT(sender.tcp_ecn_reductions.value(), 1000U);
  EXPECT_GT(sender.tcp_ecn_echoes_received.value(), sender.tcp_ecn_reductions.value());
}

// BBR keeps little of a queue, and what it does is bounded by the marks.
TEST_P(Ecn, Bbr_IsMarkedAndKeepsItsRateWithoutLoss) {
  for (const QueueParams& queue : {kCoDel, kStep}) {
    BulkWorld bulk({.queue_bdps = 8, .queue = queue}, 1, with(EcnMode::On));
    const size_t flow = bulk.add(Bbr, GetParam());
    bulk.world.run_for(5s);
    const double share = sum(bulk.shares(12s));
    const Micros srtt = bulk.sources[flow]->connection->tcb().cold.rtt.srtt();
    const Counters& sender = bulk.counters();
    std::printf("bbr, %s: %.3f of the rate, round trip %.1f ms, %llu reductions\n",
                queue.discipline == Discipline::CoDel ? "codel" : "step", share, static_cast<double>(srtt.count()) / 1000,
                static_cast<unsigned long long>(sender.tcp_ecn_reductions.value()));
    EXPECT_GT(share, 0.8);
    EXPECT_LT(srtt, 50ms);
    EXPECT_GT(sender.tcp_ecn_reductions.value(), 0U);
    EXPECT_EQ(sender.tcp_retransmitted_segments.value(), 0U);
  }
}

TEST_P(Ecn, BbrBesideCubic_AtAMarkingQueue_BothLive) {
  BulkWorld bulk({.bits_per_second = 20'000'000, .round_trip = 20ms, .queue_bdps = 8, .queue = kCoDel}, 1,
                 with(EcnMode::On));
  bulk.add(Bbr, GetParam());
  bulk.add(Cubic, GetParam());
  bulk.world.run_for(10s);
  const std::vector<double> shares = bulk.shares(40s);
  std::printf("codel: bbr %.3f, cubic %.3f\n", shares[0], shares[1]);
  EXPECT_GT(std::min(shares[0], shares[1]), 0.1);
  EXPECT_GT(sum(shares), 0.85);
}

// Marks and losses on one path: every octet arrives, and the rate is not lost to double reductions.
TEST_P(Ecn, MarksAndLosses_Together) {
  BulkWorld bulk({.round_trip = 20ms, .queue_bdps = 4, .queue = kCoDel, .faults = {.loss_ppm = 200}}, 1,
                 with(EcnMode::On));
  const size_t flow = bulk.add(Cubic, GetParam());
  bulk.sources[flow]->octets = 40'000'000;
  bulk.world.run_for(60s);
  EXPECT_EQ(bulk.sinks[flow]->received, 40'000'000U);
  EXPECT_GT(bulk.counters().tcp_ecn_reductions.value(), 0U);
  EXPECT_GT(bulk.counters().tcp_fast_retransmits.value(), 0U);
}

}  // namespace
}  // namespace millrace::sim::test
