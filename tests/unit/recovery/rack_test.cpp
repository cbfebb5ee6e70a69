// RACK (RFC 8985 §6), case by case.
#include "recovery/rack.h"

#include <gtest/gtest.h>

#include "board.h"

namespace millrace::recovery {
namespace {

constexpr Micros kRtt = 20ms;

class RackTest : public testing::Test {
 protected:
  void SetUp() override {
    rack.open(seq_at(0));
    board.send_each_ms(10, 0);
  }
  void told(const std::vector<Arrival>& arrivals, int64_t now, Instant echo = kNever) {
    for (const Arrival& one : arrivals) rack.on_arrival(one, ms(now), kRtt, echo, reordering);
  }
  Board board;
  Rack rack;
  Reordering reordering;
};

TEST_F(RackTest, WhatWasSentBeforeTheLatestArrival_IsLostAfterTheWindow) {
  told(board.block(3'000, 4'000), 23);
  EXPECT_EQ(rack.detect(board, ms(23), 5ms), 2ms) << "the first was sent at 0: 0 + 20 + 5";
  EXPECT_FALSE(board.has_lost());
  EXPECT_EQ(rack.detect(board, ms(26), 5ms), 1ms);
  EXPECT_EQ(board.lost(), 2'000U);
  EXPECT_EQ(rack.detect(board, ms(27), 5ms), 0us);
  EXPECT_EQ(board.lost(), 3'000U);
  EXPECT_EQ(board.in_flight(), 6'000U) << "what was sent later is not in question";
}

TEST_F(RackTest, WithoutAWindow_TheLossIsFoundAtOnce) {
  told(board.block(3'000, 4'000), 23);
  EXPECT_EQ(rack.detect(board, ms(23), 0us), 0us);
  EXPECT_EQ(board.lost(), 3'000U);
}

// Segments of one burst were sent in the same instant: the order of their numbers decides.
TEST_F(RackTest, OfOneBurst_OnlyWhatLiesBeforeTheArrivalIsInQuestion) {
  Board burst;
  for (int i = 0; i < 10; ++i) burst.sent(burst.end() + kSegment, ms(0), 0us);
  told(burst.block(3'000, 4'000), 20);
  rack.detect(burst, ms(20), 0us);
  EXPECT_EQ(burst.lost(), 3'000U);
}

TEST_F(RackTest, ALostRetransmission_IsFoundByWhatWasSentAfterIt) {
  told(board.block(1'000, 4'000), 23);
  rack.detect(board, ms(23), 0us);
  ASSERT_EQ(board.lost(), 1'000U);
  board.resent(seq_at(0), seq_at(1'000), ms(24));
  board.sent(seq_at(11'000), ms(25), 0us);
  told(board.block(4'000, 10'000), 30);
  rack.detect(board, ms(30), 0us);
  EXPECT_FALSE(board.has_lost()) << "all that has arrived was sent before it";
  told(board.block(10'000, 11'000), 45);
  rack.detect(board, ms(45), 0us);
  EXPECT_EQ(board.lost(), 1'000U) << "it was not";
}

// RFC 8985 §6.2 step 2: the answer may be to the earlier copy, by its time or by its timestamp.
TEST_F(RackTest, AnAnswerToTheEarlierCopy_SaysNothingOfTheRetransmission) {
  const std::vector<Arrival> retransmission = {
      {.begin = seq_at(0), .end = seq_at(1'000), .sent_at = ms(24), .retransmitted = true, .exact = true}};
  told(retransmission, 30);  // 6 ms after it was sent
  rack.detect(board, ms(100), 0us);
  EXPECT_FALSE(board.has_lost());
  told(retransmission, 50, ms(3));  // late enough, but the echo is older
  rack.detect(board, ms(100), 0us);
  EXPECT_FALSE(board.has_lost());
  told(retransmission, 50, ms(24));
  rack.detect(board, ms(100), 0us);
  EXPECT_TRUE(board.has_lost());
}

// Step 3.
TEST_F(RackTest, AnOriginalBelowTheHighestArrival_IsReordering) {
  told(board.block(3'000, 4'000), 23);
  EXPECT_FALSE(reordering.seen);
  told(board.ack(1'000), 24);
  EXPECT_TRUE(reordering.seen);
}

TEST_F(RackTest, ARetransmissionBelowTheHighestArrival_IsNot) {
  told(board.block(1'000, 4'000), 23);
  rack.detect(board, ms(23), 0us);
  board.resent(seq_at(0), seq_at(1'000), ms(24));
  told(board.ack(4'000), 44);
  EXPECT_FALSE(reordering.seen);
}

// Step 4.
TEST_F(RackTest, TheWindow_IsAQuarterOfTheLeastRoundTripUntilDupThreshAndGrowsWithDuplicates) {
  EXPECT_EQ(Rack::window(reordering, false, 20ms, 30ms), 5ms);
  EXPECT_EQ(Rack::window(reordering, true, 20ms, 30ms), 0ms);
  reordering.seen = true;
  EXPECT_EQ(Rack::window(reordering, true, 20ms, 30ms), 5ms);
  reordering.on_duplicate();
  EXPECT_EQ(Rack::window(reordering, true, 20ms, 30ms), 10ms);
  for (int i = 0; i < 300; ++i) reordering.on_duplicate();
  EXPECT_EQ(Rack::window(reordering, true, 20ms, 30ms), 30ms) << "SRTT at most";
  for (int i = 0; i < Reordering::kPersistence; ++i) reordering.on_recovered();
  EXPECT_EQ(Rack::window(reordering, true, 20ms, 30ms), 5ms) << "sixteen recoveries without a duplicate";
}

}  // namespace
}  // namespace millrace::recovery
