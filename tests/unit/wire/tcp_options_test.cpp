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

FastOpenCookie cookie(std::string_view digits, bool experimental = false) {
  const Octets octets = hex(digits);
  FastOpenCookie out{.length = static_cast<uint8_t>(octets.size()), .experimental = experimental, .octets = {}};
  std::copy(octets.begin(), octets.end(), out.octets.begin());
  return out;
}

// RFC 7413 §4.1.1.
TEST(TcpOptions, FastOpenCookie_OfFourToSixteenOctetsOrNone) {
  EXPECT_EQ(read("2202 0101").fast_open, FastOpenCookie());
  EXPECT_EQ(read("2206 01020304 0101").fast_open, cookie("01020304"));
  EXPECT_EQ(read("220a 0102030405060708 0101").fast_open, cookie("0102030405060708"));
  EXPECT_EQ(read("2212 000102030405060708090a0b0c0d0e0f").fast_open,
            cookie("000102030405060708090a0b0c0d0e0f"));
}

TEST(TcpOptions, FastOpenCookie_OfAnotherLength_IsNoOption) {
  for (const char* digits : {"2203 01", "2204 0102", "2205 010203", "2207 0102030405", "220f 00010203040506070809000102",
                             "2214 000102030405060708090a0b0c0d0e0f1011"})
    EXPECT_FALSE(read(digits).fast_open) << digits;
}

// RFC 6994's experimental form, of implementations older than RFC 7413; another experiment is none of ours.
TEST(TcpOptions, ExperimentalFastOpen_ReadsLikeTheOther) {
  EXPECT_EQ(read("fe04 f989").fast_open, cookie("", true));
  EXPECT_EQ(read("fe0c f989 0102030405060708").fast_open, cookie("0102030405060708", true));
  EXPECT_FALSE(read("fe0c f98a 0102030405060708").fast_open);
  EXPECT_FALSE(read("fe03 f9").fast_open);
  EXPECT_EQ(read("2206 01020304 fe08 f989 05060708").fast_open, cookie("01020304")) << "the RFC's kind counts";
}

}  // namespace
}  // namespace millrace::wire::test
