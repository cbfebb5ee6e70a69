// A pcapng section written and cut again. Whether others read it is for tshark to say
// (tests/daemon/capture_test.py).
#include "control/socket/pcapng.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace millrace::control::pcapng {
namespace {

Buffer a_section() {
  Buffer out{'{', '}', '\n'};  // what is before need not be aligned
  begin_section(out, "Millrace 1", {"p0", "net_tap0 (net_tap)", "tcp port 80", 96});
  const uint8_t octets[] = {1, 2, 3, 4, 5};
  append_frame(out, {.time = 1'700'000'000'123'456'789,
                     .length = 1514,
                     .direction = Direction::Out,
                     .queue = 3,
                     .octets = octets});
  append_statistics(out, {.begun = 7, .now = int64_t{5} << 32, .received = 12, .dropped = 2, .end = {}});
  append_statistics(out, {.begun = 7, .now = 9, .received = 12, .dropped = 2, .end = kClientDone});
  out.erase(out.begin(), out.begin() + 3);
  return out;
}

TEST(Pcapng, Section_IsCutIntoItsBlocks) {
  const Buffer section = a_section();
  std::span<const uint8_t> left(section);
  bool broken = false;
  const auto header = take_block(left, broken), interface = take_block(left, broken),
             frame = take_block(left, broken), now = take_block(left, broken),
             last = take_block(left, broken);
  ASSERT_TRUE(header && interface && frame && now && last);
  EXPECT_TRUE(left.empty());
  EXPECT_FALSE(broken);
  EXPECT_EQ(header->type, BlockType::SectionHeader);
  EXPECT_EQ(interface->type, BlockType::InterfaceDescription);
  EXPECT_EQ(frame->type, BlockType::EnhancedPacket);
  EXPECT_EQ(frame_length(*frame), 1514U);
  EXPECT_EQ(frame->octets.size(), 28U + 8 + 8 + 8 + 4 + 4);
  const auto going_on = read_statistics(*now), ended = read_statistics(*last);
  ASSERT_TRUE(going_on && ended);
  EXPECT_EQ(going_on->now, int64_t{5} << 32);
  EXPECT_EQ(going_on->begun, 7);
  EXPECT_EQ(going_on->end, "");
  EXPECT_EQ(ended->received, 12U);
  EXPECT_EQ(ended->dropped, 2U);
  EXPECT_EQ(ended->end, kClientDone);
}

TEST(Pcapng, BlockThatHasNotAllCome_IsWaitedFor) {
  const Buffer section = a_section();
  for (size_t length = 0; length < 24; ++length) {
    std::span<const uint8_t> part(section.data(), length);
    bool broken = false;
    EXPECT_FALSE(take_block(part, broken)) << length;
    EXPECT_FALSE(broken) << length;
    EXPECT_EQ(part.size(), length);
  }
}

TEST(Pcapng, WhatIsNoBlock_IsSaidToBeNone) {
  for (const uint32_t length : {0U, 4U, 8U, 13U, 0x20004U, 0xffffffffU}) {
    Buffer section = a_section();
    std::memcpy(section.data() + 4, &length, sizeof length);
    std::span<const uint8_t> left(section);
    bool broken = false;
    EXPECT_FALSE(take_block(left, broken)) << length;
    EXPECT_TRUE(broken) << length;
  }
  Buffer section = a_section();
  uint32_t length = 0;
  std::memcpy(&length, section.data() + 4, sizeof length);
  section[length - 1] ^= 1;  // the second length of the first block
  std::span<const uint8_t> left(section);
  bool broken = false;
  EXPECT_FALSE(take_block(left, broken));
  EXPECT_TRUE(broken);
}

// Whatever stands in a block: nothing is read beyond it.
TEST(Pcapng, StatisticsOfAnyOctets_AreReadWithinTheBlock) {
  Buffer section;
  append_statistics(section, {.begun = 7, .now = 9, .received = 12, .dropped = 2, .end = kClientDone});
  for (size_t at = 20; at + 4 < section.size(); ++at) {
    for (const int value : {0, 1, 2, 4, 7, 8, 255}) {
      const Buffer exact = [&] {
        Buffer changed = section;
        changed[at] = static_cast<uint8_t>(value);
        return changed;
      }();
      read_statistics({BlockType::InterfaceStatistics, exact});
    }
  }
  const Buffer tiny(12);
  EXPECT_FALSE(read_statistics({BlockType::InterfaceStatistics, tiny}));
  EXPECT_EQ(frame_length({BlockType::EnhancedPacket, tiny}), 0U);
}

TEST(Pcapng, LongText_IsCutToWhatAnOptionMayHold) {
  Buffer out;
  begin_section(out, "a", {std::string(100'000, 'n'), "", "", 96});
  std::span<const uint8_t> left(out);
  bool broken = false;
  EXPECT_TRUE(take_block(left, broken) && take_block(left, broken));
  EXPECT_TRUE(left.empty());
}

}  // namespace
}  // namespace millrace::control::pcapng
