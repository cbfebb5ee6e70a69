// Windows on the wire and in octets (RFC 7323 §2).
#include "base/units.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(WindowScale, ShiftAbove14_CountsAs14) {
  EXPECT_EQ(WindowScale(15).shift(), 14);
  EXPECT_EQ(WindowScale(255).shift(), 14);
  EXPECT_EQ(WindowScale(14).shift(), 14);
}

TEST(WindowScale, LargestField_IsAGigabyteAtMost) {
  EXPECT_EQ(WindowScale(14).bytes(WireWindow(0xffff)), 0x3fff'c000U);
  EXPECT_EQ(WindowScale(0).bytes(WireWindow(0xffff)), 0xffffU);
}

TEST(WindowScale, ToTheWire_RoundsDownAndSaturates) {
  EXPECT_EQ(WindowScale(3).wire(1007).field(), 125);
  EXPECT_EQ(WindowScale(0).wire(65'536).field(), 0xffff);
  EXPECT_EQ(WindowScale(7).wire(127).field(), 0);
  EXPECT_EQ(WindowScale(14).wire(0xffff'ffff).field(), 0xffff);
}

TEST(WindowScale, ThereAndBack_NeverOffersMore) {
  for (uint8_t shift = 0; shift <= 14; ++shift)
    for (Bytes window = 1; window < (1U << 30); window = window * 3 + 1)
      EXPECT_LE(WindowScale(shift).bytes(WindowScale(shift).wire(window)), window);
}

TEST(ScaleFor, Buffer_IsTheSmallestThatReaches) {
  EXPECT_EQ(scale_for(0).shift(), 0);
  EXPECT_EQ(scale_for(65'535).shift(), 0);
  EXPECT_EQ(scale_for(65'536).shift(), 1);
  EXPECT_EQ(scale_for(256 * 1024).shift(), 3);
  EXPECT_EQ(scale_for(1U << 30).shift(), 14);
  EXPECT_EQ(scale_for(0xffff'ffff).shift(), 14);
}

TEST(Mss, Default_IsThatOfIPv4) { EXPECT_EQ(Mss(), kDefaultMssV4); }

}  // namespace
}  // namespace millrace
