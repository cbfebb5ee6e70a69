// The syntax of TCP options as peers write them.
#include <gtest/gtest.h>

#include "frames.h"

namespace millrace::wire::test {
namespace {

TcpOptions read(std::string_view digits) {
  TcpOptions options;
  EXPECT_TRUE(parse_tcp_options(hex(digits), options)) << digits;
  return options;
}

bool malformed(std::string_view digits) {
  TcpOptions options;
  return !parse_tcp_options(hex(digits), options);
}

TEST(TcpOptions, AnyOrderAndPadding) {
  const TcpOptions options = read("030305 01 0402 01 01 02040218 01");
  EXPECT_EQ(options.window_scale, WindowScale(5));
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.mss, Mss(536));
}

TEST(TcpOptions, NothingCountsAfterTheEnd) {
  const TcpOptions options = read("020405b4 00 030307");
  EXPECT_EQ(options.mss, Mss(1460));
  EXPECT_FALSE(options.window_scale);
}

TEST(TcpOptions, UnknownKinds_ArePassedOver) { EXPECT_EQ(read("fd04abcd 1e02 020405b4").mss, Mss(1460)); }

TEST(TcpOptions, WrongLengthForTheKind_IsPassedOver) {
  const TcpOptions options = read("020305 0304ffff 0403ff 0804aabb 0503ff");
  EXPECT_EQ(options, TcpOptions());
}

TEST(TcpOptions, ShiftAboveFourteen_CountsAsFourteen) {
  EXPECT_EQ(read("0303ff00").window_scale, WindowScale(14));  // RFC 7323 §2.3
}

TEST(TcpOptions, LengthThatRunsOut_IsMalformed) {
  EXPECT_TRUE(malformed("02"));
  EXPECT_TRUE(malformed("0200"));
  EXPECT_TRUE(malformed("0201"));
  EXPECT_TRUE(malformed("020405"));
  EXPECT_TRUE(malformed("010108"));
  EXPECT_TRUE(malformed("0101080b0000000a00000014"));
}

TEST(TcpOptions, SackBlocks) {
  const TcpOptions options = read("01010512 0000000100000002 0000000300000004");
  ASSERT_EQ(options.sack_count, 2);
  EXPECT_EQ(options.sack[0], (SackBlock{Seq(1), Seq(2)}));
  EXPECT_EQ(options.sack[1], (SackBlock{Seq(3), Seq(4)}));
  EXPECT_EQ(read("01010507 0000000100").sack_count, 0) << "not a multiple of 8";
  EXPECT_EQ(read("01010502").sack_count, 0);
}

TEST(TcpOptions, TheUsualTimestampLayout_ReadsLikeAnyOther) {
  EXPECT_EQ(read("0101080a0000000a00000014"), read("080a0000000a000000140101"));
}

}  // namespace
}  // namespace millrace::wire::test
