#include "config/text.h"

#include <gtest/gtest.h>

namespace millrace::config {
namespace {

TEST(Text, Escaped_ShowsControlsAndBrokenUtf8AsOctets) {
  EXPECT_EQ(escaped("plain \xc3\xa4"), "plain \xc3\xa4");
  EXPECT_EQ(escaped(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escaped("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(escaped("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");           // a C1 control
  EXPECT_EQ(escaped("\xc3"), "\\xc3");                    // cut short
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

TEST(Text, IsUtf8_FollowsTheUnicodeTable) {
  for (const char* good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    EXPECT_TRUE(is_utf8(good));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xff"})
    EXPECT_FALSE(is_utf8(bad)) << escaped(bad);
}

TEST(Text, Shortened_CutsBetweenCharacters) {
  EXPECT_EQ(shortened("abcdef", 3), "abc...");
  EXPECT_EQ(shortened("ab\xc3\xa4", 3), "ab...");
  EXPECT_EQ(shortened("abc", 3), "abc");
}

TEST(Text, Nearest_FindsWhatWasMeantAndNothingFarOff) {
  const std::string words[] = {"rto_min", "rto_max", "msl"};
  EXPECT_EQ(nearest("rto_mni", words), "rto_min");
  EXPECT_EQ(nearest("rto_mx", words), "rto_max");
  EXPECT_EQ(nearest("mls", words), "msl");
  EXPECT_EQ(nearest("banana", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(100000, 'r'), words), "");
}

TEST(Text, IsName_IsLettersDigitsDashUnderscoreUpTo32) {
  EXPECT_TRUE(is_name("web-1_a"));
  EXPECT_TRUE(is_name(std::string(32, 'a')));
  for (const std::string& bad : {std::string(), std::string(33, 'a'), std::string("a b"), std::string("a.b")})
    EXPECT_FALSE(is_name(bad)) << bad;
}

}  // namespace
}  // namespace millrace::config
