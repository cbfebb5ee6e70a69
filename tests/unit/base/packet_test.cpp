// Packets have one owner and always come home.
#include "base/packet.h"

#include <gtest/gtest.h>

#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace millrace {
namespace {

static_assert(!std::is_copy_constructible_v<Packet> && !std::is_copy_assignable_v<Packet>);

TEST(HeapPool, Allocated_IsEmptyAndReturnsWhenItsOwnerEnds) {
  HeapPool pool(2, 100);
  {
    const Packet packet = pool.allocate();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet.length(), 0U);
    EXPECT_EQ(packet.capacity(), 100U);
    EXPECT_EQ(pool.outstanding(), 1U);
  }
  EXPECT_EQ(pool.outstanding(), 0U);
}

TEST(HeapPool, Exhausted_GivesAPacketThatTestsFalse) {
  HeapPool pool(2, 100);
  const Packet a = pool.allocate();
  Packet b = pool.allocate();
  EXPECT_FALSE(pool.allocate());
  b.reset();
  EXPECT_FALSE(b);
  EXPECT_TRUE(pool.allocate());
}

TEST(HeapPool, PacketsOut_DoNotOverlap) {
  HeapPool pool(4, 100);
  std::vector<Packet> packets;
  for (uint8_t i = 0; i < 4; ++i) {
    packets.push_back(pool.allocate());
    packets.back().set_length(100);
    std::memset(packets.back().data(), i, 100);
  }
  for (uint8_t i = 0; i < 4; ++i)
    for (const uint8_t octet : packets[i].bytes()) ASSERT_EQ(octet, i);
}

TEST(Packet, Moved_CarriesEverythingAndLeavesNothing) {
  HeapPool pool(2, 100);
  Packet a = pool.allocate();
  a.set_length(5);
  a.rx_checksum = RxChecksum::Good;
  a.tx_l4_checksum = true;
  const uint8_t* data = a.data();
  const Packet b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b.length(), 5U);
  EXPECT_EQ(b.rx_checksum, RxChecksum::Good);
  EXPECT_TRUE(b.tx_l4_checksum);
  EXPECT_EQ(pool.outstanding(), 1U);
}

TEST(Packet, AssignedOver_TheOldOneReturns) {
  HeapPool pool(2, 100);
  Packet a = pool.allocate();
  a = pool.allocate();
  EXPECT_EQ(pool.outstanding(), 1U);
  Packet& same = a;
  a = std::move(same);
  EXPECT_TRUE(a);
  EXPECT_EQ(pool.outstanding(), 1U);
}

TEST(Packet, Detached_IsTheLinksToReturn) {
  HeapPool pool(1, 100);
  Packet packet = pool.allocate();
  uint8_t* data = packet.data();
  void* handle = packet.detach();
  EXPECT_FALSE(packet);
  packet.reset();
  EXPECT_EQ(pool.outstanding(), 1U);
  Packet(&pool, handle, data, 0, 100).reset();
  EXPECT_EQ(pool.outstanding(), 0U);
}

TEST(PacketBatch, Full_RefusesAndTheCallerKeepsThePacket) {
  HeapPool pool(3, 100);
  PacketBatch batch(2);
  EXPECT_EQ(batch.room(), 2U);
  EXPECT_TRUE(batch.push(pool.allocate()));
  EXPECT_TRUE(batch.push(pool.allocate()));
  Packet third = pool.allocate();
  EXPECT_TRUE(batch.full());
  EXPECT_FALSE(batch.push(std::move(third)));
  EXPECT_TRUE(third);  // NOLINT(bugprone-use-after-move)
  batch.clear();
  EXPECT_EQ(batch.size(), 0U);
  EXPECT_EQ(pool.outstanding(), 1U);
}

}  // namespace
}  // namespace millrace
