#include "base/histogram.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Histogram, EveryValue_IsWithinItsBucket) {
  const auto check = [](uint64_t value) {
    const size_t bucket = Histogram::bucket_of(value);
    ASSERT_LT(bucket, Histogram::kBuckets);
    EXPECT_LE(value, Histogram::bound_of(bucket)) << value;
    EXPECT_TRUE(bucket == 0 || value > Histogram::bound_of(bucket - 1)) << value;
  };
  for (uint64_t value = 0; value < 10'000; ++value) check(value);
  for (unsigned shift = 0; shift < 64; ++shift)
    for (const int64_t by : {-1, 0, 1}) check((uint64_t{1} << shift) + static_cast<uint64_t>(by));
}

TEST(Histogram, Bounds_RiseByAQuarterAtMost_AndPowersOfTwoAreAmongThem) {
  for (size_t i = 1; i + 1 < Histogram::kBuckets; ++i) {
    const uint64_t before = Histogram::bound_of(i - 1), here = Histogram::bound_of(i);
    EXPECT_GT(here, before);
    EXPECT_TRUE(before < 4 || 4 * (here - before) <= before) << here;
  }
  for (unsigned octave = 0; octave <= 26; ++octave)
    EXPECT_EQ(Histogram::bound_of(Histogram::bucket_of(uint64_t{1} << octave)), uint64_t{1} << octave);
  EXPECT_EQ(Histogram::bound_of(Histogram::bucket_of((uint64_t{1} << 26) + 1)), UINT64_MAX);
}

TEST(Histogram, Distribution_AddsAndFindsShares) {
  Histogram one, two;
  for (uint64_t value = 1; value <= 90; ++value) one.record(4);
  for (uint64_t value = 1; value <= 10; ++value) two.record(1024);
  Distribution both;
  EXPECT_EQ(both.percentile(0.5), 0U);
  both.add(one);
  both.add(two);
  EXPECT_EQ(both.count, 100U);
  EXPECT_EQ(both.sum, 90U * 4 + 10 * 1024);
  EXPECT_EQ(both.percentile(0.5), 4U);
  EXPECT_EQ(both.percentile(0.9), 4U);
  EXPECT_EQ(both.percentile(0.91), 1024U);
  EXPECT_EQ(both.percentile(1), 1024U);
}

}  // namespace
}  // namespace millrace
