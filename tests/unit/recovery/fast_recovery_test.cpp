#include "recovery/fast_recovery.h"

#include <gtest/gtest.h>

namespace millrace::recovery {
namespace {

constexpr Bytes kSegment = 1000;

FastRecovery opened(uint32_t iss) {
  FastRecovery recovery;
  recovery.open(Seq(iss));
  return recovery;
}

// Around the wrap of the sequence space, so that no comparison is of plain numbers.
constexpr uint32_t kIss = 0xffff'f000;

TEST(FastRecovery, ThirdDuplicate_AsksForTheFastRetransmit) {
  FastRecovery recovery = opened(kIss);
  EXPECT_FALSE(recovery.on_duplicate_ack(Seq(kIss + 1)));
  EXPECT_FALSE(recovery.on_duplicate_ack(Seq(kIss + 1)));
  EXPECT_TRUE(recovery.on_duplicate_ack(Seq(kIss + 1)));
  EXPECT_FALSE(recovery.on_duplicate_ack(Seq(kIss + 1)));
}

TEST(FastRecovery, AnAdvance_StartsTheCountAgain) {
  FastRecovery recovery = opened(kIss);
  recovery.on_duplicate_ack(Seq(kIss + 1));
  recovery.on_duplicate_ack(Seq(kIss + 1));
  EXPECT_EQ(recovery.on_advance(Seq(kIss + 1001), Seq(kIss + 9001), kSegment), AckEffect::Advance);
  EXPECT_FALSE(recovery.on_duplicate_ack(Seq(kIss + 1001)));
}

TEST(FastRecovery, Recovery_SendsOneSegmentThenOneAPartialAck) {
  FastRecovery recovery = opened(kIss);
  const Seq una(kIss + 1), nxt(kIss + 8001);
  recovery.enter_recovery(una, nxt, kSegment);
  EXPECT_EQ(recovery.lost_begin(), una);
  EXPECT_EQ(recovery.lost_end(), una + kSegment);
  recovery.retransmitted(una + kSegment);
  EXPECT_FALSE(recovery.has_lost());
  EXPECT_EQ(recovery.on_advance(una + 3000, nxt, kSegment), AckEffect::Partial);
  EXPECT_EQ(recovery.lost_begin(), una + 3000);
  EXPECT_EQ(recovery.phase(), Phase::Recovery);
  EXPECT_EQ(recovery.on_advance(nxt, nxt, kSegment), AckEffect::Full);
  EXPECT_EQ(recovery.phase(), Phase::Open);
  EXPECT_FALSE(recovery.has_lost());
}

// RFC 6582 §3.2 step 2: duplicates for the window of the last recovery mean nothing new.
TEST(FastRecovery, DuplicatesOfAnEarlierWindow_AreNotALoss) {
  FastRecovery recovery = opened(kIss);
  const Seq una(kIss + 1), nxt(kIss + 8001);
  recovery.on_timeout(una, nxt);
  EXPECT_EQ(recovery.phase(), Phase::Loss);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(recovery.on_duplicate_ack(una));
  EXPECT_EQ(recovery.on_advance(una + 2000, nxt, kSegment), AckEffect::Advance);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(recovery.on_duplicate_ack(una + 2000));
}

TEST(FastRecovery, ATimeout_TakesEverythingOutOfTheNetwork) {
  FastRecovery recovery = opened(kIss);
  const Seq una(kIss + 1), nxt(kIss + 8001);
  EXPECT_EQ(recovery.in_flight(una, nxt), 8000U);
  recovery.on_timeout(una, nxt);
  EXPECT_EQ(recovery.in_flight(una, nxt), 0U);
  recovery.retransmitted(una + kSegment);
  EXPECT_EQ(recovery.in_flight(una, nxt), kSegment);
  recovery.retransmitted(nxt);
  EXPECT_EQ(recovery.in_flight(una, nxt), 8000U);
}

TEST(FastRecovery, AnAckBeyondTheCursor_MovesTheCursor) {
  FastRecovery recovery = opened(kIss);
  const Seq una(kIss + 1), nxt(kIss + 8001);
  recovery.on_timeout(una, nxt);
  recovery.retransmitted(una + kSegment);
  recovery.on_advance(una + 5000, nxt, kSegment);
  EXPECT_EQ(recovery.lost_begin(), una + 5000);
  EXPECT_EQ(recovery.lost_end(), nxt);
}

}  // namespace
}  // namespace millrace::recovery
