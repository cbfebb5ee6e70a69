#include "config/quantity.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace millrace::config {
namespace {

using Parser = std::optional<uint64_t> (*)(std::string_view);

struct Case {
  Parser parse;
  std::string_view text;
  std::optional<uint64_t> expected;
};

TEST(Quantity, TextWithUnit_IsThatManyOfTheSmallestUnit) {
  const Case cases[] = {
      {parse_duration, "40us", 40},
      {parse_duration, "200ms", 200'000},
      {parse_duration, "30s", 30'000'000},
      {parse_duration, "30 s", 30'000'000},
      {parse_duration, "5min", 300'000'000},
      {parse_duration, "2h", 7'200'000'000},
      {parse_duration, "1d", 86'400'000'000},
      {parse_duration, "1.5s", 1'500'000},
      {parse_duration, "0.25ms", 250},
      {parse_duration, "0", 0},
      {parse_size, "0", 0},
      {parse_size, "1500", 1500},
      {parse_size, "64KiB", 65536},
      {parse_size, "256k", 262144},
      {parse_size, "1MiB", 1048576},
      {parse_size, "1M", 1048576},
      {parse_size, "1MB", 1'000'000},
      {parse_size, "0.5KiB", 512},
      {parse_size, "2GiB", 2147483648},
      {parse_size, "1TiB", 1099511627776},
      {parse_rate, "10Gbit/s", 10'000'000'000},
      {parse_rate, "2.5Gbit/s", 2'500'000'000},
      {parse_rate, "64kbit/s", 64'000},
      {parse_integer, "18446744073709551615", std::numeric_limits<uint64_t>::max()},
      {parse_octal, "0660", 0660},
      {parse_octal, "7", 7},
  };
  for (const Case& c : cases) EXPECT_EQ(c.parse(c.text), c.expected) << c.text;
}

TEST(Quantity, TextThatIsNotWholeOrNotANumber_IsNothing) {
  const Case cases[] = {
      {parse_duration, "", {}},
      {parse_duration, "5", {}},
      {parse_duration, "s", {}},
      {parse_duration, "-5s", {}},
      {parse_duration, "+5s", {}},
      {parse_duration, "5 fortnights", {}},
      {parse_duration, "1.s", {}},
      {parse_duration, ".5s", {}},
      {parse_duration, "1.2.3s", {}},
      {parse_duration, "1.5us", {}},
      {parse_duration, "5S", {}},
      {parse_duration, "1e3s", {}},
      {parse_duration, "99999999999999999999s", {}},
      {parse_duration, "18446744073709551615d", {}},
      {parse_duration, "0.1234567890123s", {}},
      {parse_size, "1.5", {}},
      {parse_size, "1.0000001KiB", {}},
      {parse_size, "16777216TiB", {}},
      {parse_size, "0x10", {}},
      {parse_rate, "10", {}},
      {parse_rate, "10Gbps", {}},
      {parse_integer, "", {}},
      {parse_integer, "1 ", {}},
      {parse_integer, "18446744073709551616", {}},
      {parse_octal, "0680", {}},
      {parse_octal, "", {}},
  };
  for (const Case& c : cases) EXPECT_EQ(c.parse(c.text), std::nullopt) << c.text;
}

TEST(Quantity, Booleans_AreSixWords) {
  for (const std::string_view yes : {"on", "yes", "true"}) EXPECT_EQ(parse_boolean(yes), true);
  for (const std::string_view no : {"off", "no", "false"}) EXPECT_EQ(parse_boolean(no), false);
  for (const std::string_view neither : {"", "1", "0", "On", "enabled"})
    EXPECT_EQ(parse_boolean(neither), std::nullopt);
}

TEST(Quantity, WrittenForm_IsTheShortestExactOne) {
  EXPECT_EQ(format_duration(0), "0");
  EXPECT_EQ(format_duration(1'500), "1500us");
  EXPECT_EQ(format_duration(30'000'000), "30s");
  EXPECT_EQ(format_duration(600'000'000), "600s");
  EXPECT_EQ(format_size(262144), "256KiB");
  EXPECT_EQ(format_size(65535), "65535");
  EXPECT_EQ(format_rate(10'000'000'000), "10Gbit/s");
  EXPECT_EQ(format_octal(0660), "0660");
  EXPECT_EQ(format_octal(0), "0");
  EXPECT_EQ(format_boolean(false), "off");
}

TEST(Quantity, WrittenForm_IsReadBackAsTheSameNumber) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t number = random() >> (random() % 64);
    EXPECT_EQ(parse_duration(format_duration(number)), number);
    EXPECT_EQ(parse_size(format_size(number)), number);
    EXPECT_EQ(parse_rate(format_rate(number)), number);
    EXPECT_EQ(parse_octal(format_octal(number)), number);
  }
}

}  // namespace
}  // namespace millrace::config
