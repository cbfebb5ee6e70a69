// SendQueue and ReceiveQueue: octets in, the same octets out, memory charged and given back.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <vector>

#include "base/entropy.h"
#include "tcp/transfer/receive_queue.h"
#include "tcp/transfer/send_queue.h"

namespace millrace::tcp {
namespace {

std::vector<uint8_t> octets(size_t count, uint8_t first) {
  std::vector<uint8_t> out(count);
  std::iota(out.begin(), out.end(), first);
  return out;
}

TEST(SendQueue, AgainstAModel_CopiesWhatWasAppended) {
  Memory memory(1 << 20, 16);
  SeededEntropy random(7);
  {
    SendQueue queue(memory);
    std::deque<uint8_t> model;
    for (int step = 0; step < 20000; ++step) {
      const uint64_t dice = random.next();
      if (dice % 3 == 0) {
        const auto piece = octets(dice / 7 % 5000, static_cast<uint8_t>(dice >> 20));
        const Bytes taken = queue.append(piece);
        model.insert(model.end(), piece.begin(), piece.begin() + taken);
      } else if (dice % 3 == 1) {
        const auto count = static_cast<Bytes>(std::min<uint64_t>(dice / 11 % 4000, model.size()));
        queue.release(count);
        model.erase(model.begin(), model.begin() + count);
      } else if (!model.empty()) {
        const auto offset = static_cast<Bytes>(dice / 13 % model.size());
        const auto length = static_cast<Bytes>(std::min<uint64_t>(dice / 17 % 3000, model.size() - offset));
        std::vector<uint8_t> out(length);
        queue.copy(offset, length, out.data());
        ASSERT_TRUE(std::equal(out.begin(), out.end(), model.begin() + offset)) << "step " << step;
      }
      ASSERT_EQ(queue.size(), model.size());
    }
  }
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST(SendQueue, AtTheBudget_TakesWhatFits) {
  Memory memory(3 * kBlockBytes, 0);
  SendQueue queue(memory);
  EXPECT_EQ(queue.append(octets(100'000, 0)), 3 * Block::kCapacity);
  EXPECT_TRUE(queue.reserve(1).empty());
}

TEST(SendQueue, ReserveAndCommit_NeedNoCopy) {
  Memory memory(1 << 20, 0);
  SendQueue queue(memory);
  const auto room = queue.reserve(100);
  ASSERT_EQ(room.size(), 100U);
  std::fill(room.begin(), room.end(), 7);
  queue.commit(60);
  EXPECT_EQ(queue.size(), 60U);
  uint8_t out[60] = {};
  queue.copy(0, 60, out);
  EXPECT_EQ(out[59], 7);
}

TEST(SendQueue, WhenAllIsAcknowledged_HoldsNoMemory) {
  Memory memory(1 << 20, 0);
  SendQueue queue(memory);
  queue.append(octets(10, 0));
  EXPECT_EQ(memory.used_bytes(), kBlockBytes);
  queue.release(10);
  EXPECT_EQ(memory.used_bytes(), 0U);
}

Packet packet_with(HeapPool& pool, const std::vector<uint8_t>& content) {
  Packet packet = pool.allocate();
  std::copy(content.begin(), content.end(), packet.data());
  packet.set_length(static_cast<uint32_t>(content.size()));
  return packet;
}

TEST(ReceiveQueue, ALargePayload_StaysInItsPacket) {
  HeapPool pool(4, 2048);
  Memory memory(1 << 20, 4);
  ReceiveQueue queue(memory);
  const auto content = octets(1460, 3);
  Packet packet = packet_with(pool, content);
  ASSERT_TRUE(queue.append(packet, Seq(1), packet.data(), 1460));
  EXPECT_FALSE(packet);
  EXPECT_EQ(pool.outstanding(), 1U);
  EXPECT_EQ(memory.held_packets(), 1U);
  EXPECT_TRUE(std::equal(content.begin(), content.end(), queue.front().begin()));
  queue.consume(1460);
  EXPECT_EQ(pool.outstanding(), 0U);
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST(ReceiveQueue, SmallPayloads_AreCopiedTogetherAndPinNoPacket) {
  HeapPool pool(4, 2048);
  Memory memory(1 << 20, 4);
  ReceiveQueue queue(memory);
  for (int i = 0; i < 300; ++i) {
    Packet packet = packet_with(pool, octets(1, static_cast<uint8_t>(i)));
    ASSERT_TRUE(queue.append(packet, Seq(1), packet.data(), 1));
  }
  EXPECT_EQ(pool.outstanding(), 0U);
  EXPECT_LE(memory.used_bytes(), kBlockBytes + sizeof(Piece));
  EXPECT_EQ(queue.front().size(), 300U);
  EXPECT_EQ(queue.front()[299], 299 % 256);
  queue.clear();
}

// A buffer of 9 KB (jumbo frames) with a third of that in it, behind queued text.
TEST(ReceiveQueue, APayloadLargerThanABlockInALargerBuffer_IsCopiedIntoSeveral) {
  HeapPool pool(4, 16384);
  Memory memory(1 << 20, 4);
  ReceiveQueue queue(memory);
  const auto content = octets(6000, 5);
  Packet small = packet_with(pool, octets(10, 0));
  ASSERT_TRUE(queue.append(small, Seq(1), small.data(), 10));
  Packet packet = packet_with(pool, content);
  ASSERT_TRUE(queue.append(packet, Seq(11), packet.data(), 6000));
  EXPECT_TRUE(packet) << "copied: the buffer is more than twice as large";
  std::vector<uint8_t> out(6010);
  EXPECT_EQ(queue.copy(0, out), 6010U);
  EXPECT_TRUE(std::equal(content.begin(), content.end(), out.begin() + 10));
  queue.clear();
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST(ReceiveQueue, WithoutMemoryForAllOfAPayload_TakesNothing) {
  HeapPool pool(4, 16384);
  Memory memory(3 * kBlockBytes, 0);
  ReceiveQueue queue(memory);
  Packet packet = packet_with(pool, octets(6100, 5));
  EXPECT_FALSE(queue.append(packet, Seq(1), packet.data(), 6100));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST(ReceiveQueue, BeyondTheBoundOfHeldPackets_Copies) {
  HeapPool pool(4, 2048);
  Memory memory(1 << 20, 1);
  ReceiveQueue queue(memory);
  for (int i = 0; i < 2; ++i) {
    Packet packet = packet_with(pool, octets(1000, static_cast<uint8_t>(i)));
    ASSERT_TRUE(queue.append(packet, Seq(1), packet.data(), 1000));
  }
  EXPECT_EQ(pool.outstanding(), 1U);
  EXPECT_EQ(queue.size(), 2000U);
  queue.clear();
}

TEST(ReceiveQueue, WithoutMemory_RefusesAndKeepsThePacketWithItsOwner) {
  HeapPool pool(4, 2048);
  Memory memory(100, 4);
  ReceiveQueue queue(memory);
  Packet packet = packet_with(pool, octets(1000, 0));
  EXPECT_FALSE(queue.append(packet, Seq(1), packet.data(), 1000));
  EXPECT_TRUE(packet);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace millrace::tcp
