#include "tcp/transfer/reassembly.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/entropy.h"

namespace millrace::tcp {
namespace {

constexpr uint32_t kBound = 64;
using Result = Reassembly::Result;

class ReassemblyTest : public testing::Test {
 protected:
  // The octet that belongs at `seq`.
  static uint8_t octet_at(Seq seq) { return static_cast<uint8_t>(seq.raw() * 31 + (seq.raw() >> 8)); }
  Result insert(uint32_t begin, uint32_t length, uint32_t bound = kBound) {
    std::vector<uint8_t> data(length);
    for (uint32_t i = 0; i < length; ++i) data[i] = octet_at(base + begin + i);
    return reassembly.insert(base + begin, data.data(), length, bound);
  }
  Bytes release(uint32_t at) { return reassembly.release(base + at, queue); }
  // Every block told is a whole run of what is held, the first one the run around `latest`.
  void expect_blocks(const std::vector<bool>& have, uint32_t latest, uint32_t rcv_nxt) {
    reassembly.forget_duplicate();
    wire::TcpOptions told;
    if (reassembly.has_sack()) reassembly.fill_sack(told, 4);
    ASSERT_NE(told.sack_count, 0U);
    for (uint8_t i = 0; i < told.sack_count; ++i) {
      const uint32_t left = told.sack[i].left - base, right = told.sack[i].right - base;
      ASSERT_LT(rcv_nxt, left);
      ASSERT_LT(left, right);
      ASSERT_FALSE(have[left - 1]);
      ASSERT_TRUE(right == have.size() || !have[right]);
      for (uint32_t at = left; at < right; ++at) ASSERT_TRUE(have[at]);
      ASSERT_TRUE(i != 0 || (left <= latest && latest < right));
    }
  }
  void expect_queue_from(uint32_t begin) {
    Seq seq = base + begin;
    while (!queue.empty()) {
      for (const uint8_t octet : queue.front()) {
        ASSERT_EQ(octet, octet_at(seq)) << "at " << (seq - base);
        seq += 1;
      }
      queue.consume(static_cast<Bytes>(queue.front().size()));
    }
  }

  const Seq base{0xffff'ff00};  // the pieces lie across the wrap
  Memory memory{1 << 20, 0};
  Reassembly reassembly{memory};
  ReceiveQueue queue{memory};
};

TEST_F(ReassemblyTest, AGapThatCloses_ReleasesWhatWasHeld) {
  EXPECT_EQ(insert(100, 50), Result::Stored);
  EXPECT_EQ(insert(200, 50), Result::Stored);
  EXPECT_EQ(release(100), 50U);
  EXPECT_EQ(release(200), 50U);
  EXPECT_TRUE(reassembly.empty());
}

TEST_F(ReassemblyTest, Overlaps_AreKeptOnce) {
  insert(100, 100);
  insert(300, 100);
  EXPECT_EQ(insert(50, 400), Result::Stored);
  EXPECT_EQ(reassembly.octets(), 400U);
  EXPECT_EQ(release(50), 400U);
  expect_queue_from(50);
}

TEST_F(ReassemblyTest, ADuplicate_IsNotStored) {
  insert(100, 100);
  EXPECT_EQ(insert(120, 30), Result::Duplicate);
  EXPECT_EQ(insert(100, 100), Result::Duplicate);
  EXPECT_EQ(reassembly.octets(), 100U);
}

TEST_F(ReassemblyTest, ADuplicate_IsToldOnceAndBeforeItsBlock) {
  insert(100, 100);
  insert(120, 30);
  wire::TcpOptions told;
  reassembly.fill_sack(told, 3);
  ASSERT_EQ(told.sack_count, 2U);
  EXPECT_EQ(told.sack[0], (wire::SackBlock{base + 120, base + 150}));
  EXPECT_EQ(told.sack[1], (wire::SackBlock{base + 100, base + 200}));
  reassembly.fill_sack(told, 3);
  ASSERT_EQ(told.sack_count, 1U);
  EXPECT_EQ(told.sack[0], (wire::SackBlock{base + 100, base + 200}));
}

TEST_F(ReassemblyTest, ADuplicateWithNothingHeld_CostsMemoryUntilItIsTold) {
  reassembly.note_duplicate(base, base + 10);
  EXPECT_EQ(memory.used_bytes(), kCellBytes);
  wire::TcpOptions told;
  reassembly.fill_sack(told, 0);
  EXPECT_TRUE(reassembly.has_sack()) << "there was no room to tell it";
  reassembly.fill_sack(told, 3);
  EXPECT_EQ(told.sack_count, 1U);
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST_F(ReassemblyTest, TheFirstCopyOfAnOctet_Stays) {
  insert(100, 10);
  const std::vector<uint8_t> other(30, 0xee);
  reassembly.insert(base + 90, other.data(), 30, kBound);
  release(90);
  const auto front = queue.front();
  EXPECT_EQ(front[0], 0xee);
  queue.consume(10);
  EXPECT_EQ(queue.front()[0], octet_at(base + 100));
}

TEST_F(ReassemblyTest, TheBound_IsKept) {
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(insert(100 + 10 * i, 1, 4), Result::Stored);
  EXPECT_EQ(insert(500, 1, 4), Result::Full);
  EXPECT_EQ(reassembly.pieces(), 4U);
}

// A queue that overflowed lost every other segment of a large window: all that came is held, without a walk.
TEST_F(ReassemblyTest, EverySecondSegmentMissing_AllOthersAreHeld) {
  constexpr uint32_t kRuns = 40 * kBound / 8, kSegment = 1000;
  Memory large{64 << 20, 0};
  Reassembly many(large);
  const std::vector<uint8_t> data(kSegment);
  for (uint32_t i = 0; i < kRuns; ++i)
    ASSERT_EQ(many.insert(base + (2 * i + 1) * kSegment, data.data(), kSegment, kBound / 8), Result::Stored) << i;
  EXPECT_EQ(many.runs(), kRuns);
  EXPECT_EQ(many.steps(), 0U);
  // Sent again in order, from somewhere in the middle on: each finds its place beside the one before.
  for (uint32_t i = 5; i < kRuns; ++i)
    ASSERT_EQ(many.insert(base + 2 * i * kSegment, data.data(), kSegment, kBound / 8), Result::Stored) << i;
  EXPECT_EQ(many.runs(), 5U) << "the first four, and one of all the rest";
  EXPECT_LE(many.steps(), kRuns);
}

// A peer that puts a segment where no other is near: it is walked for so far and no further.
TEST_F(ReassemblyTest, FarFromEverything_IsNotWalkedFor) {
  constexpr uint32_t kRuns = 1000, kSegment = 600, kWalk = 16;
  Memory large{64 << 20, 0};
  Reassembly many(large);
  const std::vector<uint8_t> data(kSegment);
  for (uint32_t i = 0; i < kRuns; ++i)
    many.insert(base + (3 * i + 1) * kSegment, data.data(), kSegment, kWalk);
  const uint32_t before = many.steps();
  EXPECT_EQ(many.insert(base + (3 * kWalk + 2) * kSegment + 300, data.data(), 100, kWalk), Result::Full);
  EXPECT_EQ(many.steps() - before, kWalk);
  EXPECT_EQ(many.insert(base + (3 * kWalk - 1) * kSegment + 300, data.data(), 100, kWalk), Result::Stored);
}

TEST_F(ReassemblyTest, WithoutMemory_SaysSo) {
  Memory small(100, 0);
  Reassembly poor(small);
  const uint8_t octet = 0;
  EXPECT_EQ(poor.insert(base, &octet, 1, kBound), Result::NoMemory);
}

TEST_F(ReassemblyTest, PartOfAPieceThatIsKnownAlready_IsCutOff) {
  insert(100, 100);
  EXPECT_EQ(release(150), 50U);
  expect_queue_from(150);
}

TEST_F(ReassemblyTest, AgainstAModel_ReleasesEveryOctetOnceInOrder) {
  SeededEntropy random(11);
  for (int round = 0; round < 300; ++round) {
    uint32_t rcv_nxt = 0;
    std::vector<bool> have(6000);
    while (rcv_nxt < have.size()) {
      const auto begin = static_cast<uint32_t>(random.next() % have.size());
      const auto length =
          static_cast<uint32_t>(std::min<uint64_t>(1 + random.next() % 400, have.size() - begin));
      if (begin > rcv_nxt) {
        const Result result = insert(begin, length, 4096);
        ASSERT_TRUE(result == Result::Stored || result == Result::Duplicate);
        for (uint32_t i = begin; i < begin + length; ++i) have[i] = true;
        expect_blocks(have, begin, rcv_nxt);
      } else if (begin + length > rcv_nxt) {
        rcv_nxt = begin + length;
        rcv_nxt += release(rcv_nxt);
        reassembly.forget_duplicate();
        expect_queue_from(rcv_nxt - queue.size());
        ASSERT_TRUE(rcv_nxt == have.size() || !have[rcv_nxt]) << "an octet was held back at " << rcv_nxt;
      }
    }
    ASSERT_TRUE(reassembly.empty());
    ASSERT_EQ(memory.used_bytes(), 0U);
  }
}

}  // namespace
}  // namespace millrace::tcp
