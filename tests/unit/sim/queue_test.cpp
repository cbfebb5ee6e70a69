// What the queue of a link does with frames that wait for long: CoDel's law, marks, and the wire's own bits.
#include "sim/queue.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sim/clock.h"
#include "sim/link.h"
#include "wire/parse.h"

namespace millrace::sim::test {
namespace {

using Octets = std::vector<uint8_t>;

// An IPv4 or IPv6 header with this ECN field (RFC 3168 §5) and nothing behind it.
Octets packet(Family family, uint8_t ecn) {
  Octets frame(family == Family::V4 ? 34 : 54);
  frame[12] = family == Family::V4 ? 0x08 : 0x86;
  frame[13] = family == Family::V4 ? 0x00 : 0xdd;
  if (family == Family::V4) {
    frame[14] = 0x45;
    frame[15] = ecn;
    frame[22] = 64;
  } else {
    frame[14] = 0x60;
    frame[15] = static_cast<uint8_t>(ecn << 4);
  }
  return frame;
}

uint32_t header_sum(const Octets& frame) {
  uint32_t sum = 0;
  for (size_t i = 14; i < 34; i += 2) sum += uint32_t{frame[i]} << 8 | frame[i + 1];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

TEST(Queue, Ce_IsSetWhereEctWas_AndTheChecksumIsRight) {
  for (const uint8_t ecn : {1, 2}) {
    Octets v4 = packet(Family::V4, ecn);
    EXPECT_TRUE(is_ecn_capable(v4));
    mark_ce(v4);
    EXPECT_EQ(v4[15] & 3, 3);
    EXPECT_EQ(header_sum(v4), 0xffffU);
    Octets v6 = packet(Family::V6, ecn);
    mark_ce(v6);
    EXPECT_EQ(v6[15] >> 4 & 3, 3);
  }
  for (const Family family : {Family::V4, Family::V6}) {
    Octets plain = packet(family, 0);
    const Octets before = plain;
    EXPECT_FALSE(is_ecn_capable(plain));
    mark_ce(plain);
    EXPECT_EQ(plain, before);
  }
  Octets arp(42);
  EXPECT_FALSE(is_ecn_capable(arp));
  Octets nothing;
  EXPECT_FALSE(is_ecn_capable(nothing));
}

// RFC 8289 §4.3: nothing is dropped until the wait has been above the target for an interval.
TEST(Queue, CoDel_DropsNotBeforeAnIntervalAboveTheTarget) {
  const QueueParams params;
  CoDel codel;
  Instant now = kBeginning;
  const Instant first = now;
  while (!codel.dequeue(params, 6ms, now)) now += 1ms;
  EXPECT_EQ(now - first, params.interval);
}

// ... and then at intervals that shrink by the square root of their number.
TEST(Queue, CoDel_DropsFasterAndFaster) {
  const QueueParams params;
  CoDel codel;
  std::vector<Instant> drops;
  for (Instant now = kBeginning; drops.size() < 10; now += 100us)
    if (codel.dequeue(params, 50ms, now)) drops.push_back(now);
  for (size_t i = 2; i < drops.size(); ++i) {
    const double gap = static_cast<double>((drops[i] - drops[i - 1]).count());
    EXPECT_NEAR(gap, 100'000 / std::sqrt(static_cast<double>(i)), 250) << i;
  }
}

TEST(Queue, CoDel_BelowTheTarget_StopsAtOnce) {
  const QueueParams params;
  CoDel codel;
  Instant now = kBeginning;
  for (int i = 0; i < 3000; ++i) codel.dequeue(params, 50ms, now += 1ms);
  EXPECT_FALSE(codel.dequeue(params, 1ms, now += 1ms));
  int drops = 0;
  for (int i = 0; i < 99; ++i) drops += codel.dequeue(params, 50ms, now += 1ms) ? 1 : 0;
  EXPECT_EQ(drops, 0) << "above the target for less than an interval";
}

// A flow of twice the rate through CoDel: the wait stays far below what the queue has room for.
TEST(Queue, CoDel_KeepsAnUnresponsiveFlowsQueueFromStandingFull) {
  uint64_t ids = 0;
  LinkParams params{.delay = 0ms, .bits_per_second = 8'000'000, .queue_frames = 1000};
  params.queue.discipline = Discipline::CoDel;
  Link link(params, 1, ids);
  struct Count final : DepartureObserver {
    void departed(const Flight& flight, std::span<const uint8_t>) override {
      ++(flight.arrives_at == kNever ? lost : arrived);
    }
    int lost = 0, arrived = 0;
  } count;
  Instant now = kBeginning;
  for (int i = 0; i < 12'000; ++i) link.send(Octets(1000), now += 900us, &count);
  EXPECT_GT(count.lost, 300);
  EXPECT_GT(count.arrived, 9'000);
}

TEST(Queue, EcnStep_MarksWhatWaitsLongerThanTheThreshold) {
  QueueParams params{.discipline = Discipline::EcnStep, .target = 1ms};
  CoDel codel;
  const Octets capable = packet(Family::V4, 2), plain = packet(Family::V4, 0);
  EXPECT_EQ(judge(params, codel, capable, 1ms, kBeginning), QueueVerdict::Pass);
  EXPECT_EQ(judge(params, codel, capable, 1001us, kBeginning), QueueVerdict::Mark);
  EXPECT_EQ(judge(params, codel, plain, 1s, kBeginning), QueueVerdict::Pass) << "its room is what limits it";
}

TEST(Queue, CoDelWithEcn_MarksInsteadOfDropping) {
  QueueParams params{.discipline = Discipline::CoDel, .ecn = true};
  CoDel marks, drops;
  const Octets capable = packet(Family::V6, 1), plain = packet(Family::V6, 0);
  QueueVerdict verdict = QueueVerdict::Pass, other = QueueVerdict::Pass;
  for (Instant now = kBeginning; verdict == QueueVerdict::Pass; now += 1ms) {
    verdict = judge(params, marks, capable, 50ms, now);
    other = judge(params, drops, plain, 50ms, now);
  }
  EXPECT_EQ(verdict, QueueVerdict::Mark);
  EXPECT_EQ(other, QueueVerdict::Drop);
}

// ---- the rest of what a link may do

TEST(Queue, PacketsAboveTheLinksMtu_VanishWithoutAWord) {
  uint64_t ids = 0;
  Link link({.delay = 1ms, .mtu = 600}, 1, ids);
  link.send(Octets(615), kBeginning);
  EXPECT_EQ(link.in_flight(), 0U);
  link.send(Octets(614), kBeginning);
  EXPECT_EQ(link.in_flight(), 1U);
}

TEST(Queue, Jitter_VariesTheDelayAndKeepsTheOrder) {
  uint64_t ids = 0;
  Link link({.delay = 5ms, .jitter = 4ms}, 3, ids);
  Instant now = kBeginning;
  for (uint8_t i = 0; i < 200; ++i) link.send(Octets{i}, now += 1ms);
  int uneven = 0;
  Instant last{};
  for (uint8_t i = 0; i < 200; ++i) {
    const auto flight = link.take(kNever - 1us);
    ASSERT_TRUE(flight);
    EXPECT_EQ(flight->octets, Octets{i});
    const Micros took = flight->arrives_at - flight->sent_at;
    EXPECT_GE(took, 5ms);
    EXPECT_LE(took, 9ms + 1us);
    EXPECT_GE(flight->arrives_at, last);
    uneven += flight->arrives_at - last != 1ms ? 1 : 0;
    last = flight->arrives_at;
  }
  EXPECT_GT(uneven, 100);
}

// Gilbert and Elliott: the share of losses is that of the bad state, and they come in rows.
TEST(Queue, BurstLoss_ComesInRows) {
  FaultRates rates;
  rates.burst_begins_ppm = 10'000;
  rates.burst_ends_ppm = 250'000;
  Faults faults(rates, 9);
  constexpr int kFrames = 200'000;
  int lost = 0, rows = 0;
  bool before = false;
  for (int i = 0; i < kFrames; ++i) {
    const bool lose = faults.decide(Octets(60)).lose;
    lost += lose ? 1 : 0;
    rows += lose && !before ? 1 : 0;
    before = lose;
  }
  EXPECT_NEAR(lost, kFrames * 0.01 / 0.26, 700);
  EXPECT_NEAR(static_cast<double>(lost) / rows, 4.0, 0.3) << "frames in a row";
}

}  // namespace
}  // namespace millrace::sim::test
