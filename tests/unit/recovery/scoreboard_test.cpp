#include "recovery/scoreboard.h"

#include <gtest/gtest.h>

#include "board.h"

namespace millrace::recovery {
namespace {

TEST(Scoreboard, ABurst_IsOneRun) {
  Board board;
  for (int i = 0; i < 40; ++i) board.sent(board.end() + kSegment, ms(5), 0us);
  EXPECT_EQ(board.size(), 1U);
  EXPECT_EQ(board.in_flight(), 40'000U);
  const auto arrived = board.ack(7'000);
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].sent_at, ms(5));
  EXPECT_TRUE(arrived[0].exact);
  EXPECT_EQ(board.in_flight(), 33'000U);
}

TEST(Scoreboard, WhatIsSentAtIntervals_IsARunEach) {
  Board board;
  board.send_each_ms(5, 10);
  EXPECT_EQ(board.size(), 5U);
  const auto arrived = board.ack(3'000);
  ASSERT_EQ(arrived.size(), 3U);
  EXPECT_EQ(arrived[2].sent_at, ms(12));
}

// A run whose octets left over a while tells exactly only when its last one left.
TEST(Scoreboard, WithinTheQuantum_RunsJoinAndOnlyTheirEndIsExact) {
  Board board;
  for (int i = 0; i < 4; ++i) board.sent(board.end() + kSegment, ms(10 + i), 3ms);
  EXPECT_EQ(board.size(), 1U);
  board.sent(board.end() + kSegment, ms(14), 3ms);
  EXPECT_EQ(board.size(), 2U);
  EXPECT_FALSE(board.ack(1'000)[0].exact);
  const auto rest = board.ack(4'000);
  EXPECT_TRUE(rest[0].exact);
  EXPECT_EQ(rest[0].sent_at, ms(13));
}

TEST(Scoreboard, ABlock_IsCountedOnceHoweverOftenItIsTold) {
  Board board;
  board.send_each_ms(10, 0);
  EXPECT_EQ(board.block(2'000, 4'000).size(), 2U);
  EXPECT_TRUE(board.block(2'000, 4'000).empty());
  EXPECT_EQ(board.block(1'500, 4'500).size(), 2U) << "the new part on each side";
  EXPECT_EQ(board.sacked(), 3'000U);
  EXPECT_EQ(board.in_flight(), 7'000U);
  EXPECT_EQ(board.sacked_runs(3), 1U);
  EXPECT_EQ(board.ack(5'000).size(), 3U) << "0-1000, 1000-1500, 4500-5000";
  EXPECT_EQ(board.sacked(), 0U);
}

TEST(Scoreboard, LostAndSentAgain_IsInFlightAgainAndRemembersIt) {
  Board board;
  board.send_each_ms(4, 0);
  board.mark_first_lost(kSegment);
  EXPECT_EQ(board.lost(), 1'000U);
  EXPECT_EQ(board.first_lost(), 0U);
  board.resent(seq_at(0), seq_at(1'000), ms(50));
  EXPECT_FALSE(board.has_lost());
  EXPECT_EQ(board.in_flight(), 4'000U);
  const auto arrived = board.ack(2'000);
  EXPECT_TRUE(arrived[0].retransmitted);
  EXPECT_EQ(arrived[0].sent_at, ms(50));
  EXPECT_FALSE(arrived[1].retransmitted);
}

TEST(Scoreboard, ATimeout_TakesEverythingUnsackedOutOfTheNetwork) {
  Board board;
  board.send_each_ms(8, 0);
  board.block(2'000, 3'000);
  board.mark_all_lost();
  EXPECT_EQ(board.in_flight(), 0U);
  EXPECT_EQ(board.lost(), 7'000U);
  board.forget_losses();
  EXPECT_EQ(board.in_flight(), 7'000U);
  EXPECT_EQ(board.sacked(), 1'000U);
}

TEST(Scoreboard, AReneging_MakesEverythingLost) {
  Board board;
  board.send_each_ms(8, 0);
  board.block(0, 3'000);
  board.forget_sacks();
  EXPECT_EQ(board.lost(), 8'000U);
  EXPECT_EQ(board.size(), 1U);
}

// Room is bounded: blocks that a peer makes up are refused, and what is ours to note still finds a place.
TEST(Scoreboard, WithoutRoom_BlocksAreRefusedAndRetransmissionsAreNoted) {
  Board board(8);
  for (int i = 0; i < 40; ++i) board.sent(board.end() + kSegment, ms(1), 0us);
  int refused = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    board.block(2'000 * i + 10, 2'000 * i + 11);
    refused += board.whole ? 0 : 1;
  }
  EXPECT_GT(refused, 10);
  EXPECT_LE(board.size(), 8U);
  board.mark_all_lost();
  EXPECT_EQ(board.lost() + board.sacked(), 40'000U);
  board.resent(seq_at(0), seq_at(5), ms(9));
  EXPECT_EQ(board.run(0).fate, Fate::InFlight);
  EXPECT_EQ(board.run_end(0), seq_at(5));
}

TEST(Scoreboard, WithoutRoom_WhatIsSentJoinsTheLastRunAndIsAsYoung) {
  Board board(3);
  board.send_each_ms(10, 0);
  EXPECT_EQ(board.size(), 3U);
  EXPECT_EQ(board.run(2).sent_at, ms(9));
  EXPECT_FALSE(board.ack(10'000).back().exact);
}

TEST(Scoreboard, LargerStorage_HoldsTheSame) {
  Board board(4);
  board.send_each_ms(4, 0);
  board.ack(1'500);
  std::vector<recovery::Run> larger(100);
  EXPECT_EQ(board.move_to(larger.data(), 100), board.storage.data());
  EXPECT_EQ(board.size(), 3U);
  board.send_each_ms(50, 10);
  EXPECT_EQ(board.size(), 53U);
  EXPECT_EQ(board.in_flight(), 52'500U);
}

}  // namespace
}  // namespace millrace::recovery
