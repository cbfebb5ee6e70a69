// What is read back from a histogram, against the exact values.
#include "services/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/entropy.h"

namespace millrace::services::load {
namespace {

uint64_t exact(std::vector<uint32_t> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

TEST(Histogram, Buckets_CoverAllValuesOnceAndInOrder) {
  uint64_t next = 0;
  for (size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    ASSERT_EQ(Histogram::lowest_of(bucket), next) << bucket;
    ASSERT_EQ(Histogram::bucket_of(Histogram::lowest_of(bucket)), bucket);
    ASSERT_EQ(Histogram::bucket_of(Histogram::highest_of(bucket)), bucket);
    next = uint64_t{Histogram::highest_of(bucket)} + 1;
  }
  EXPECT_EQ(next, uint64_t{1} << 32);
}

TEST(Histogram, Percentiles_AreWithinTheErrorStated) {
  for (const unsigned bits : {5U, 10U, 20U, 31U}) {
    SeededEntropy entropy(bits);
    Histogram histogram;
    std::vector<uint32_t> values;
    double sum = 0;
    for (int i = 0; i < 20'000; ++i) {
      // Every magnitude up to that many bits.
      values.push_back(static_cast<uint32_t>(entropy.next() >> (64 - 1 - entropy.next() % bits)));
      histogram.record(values.back());
      sum += values.back();
    }
    const Distribution read = histogram.read();
    EXPECT_EQ(read.count(), values.size());
    EXPECT_NEAR(read.mean(), sum / static_cast<double>(values.size()), 1e-6 * sum);
    for (const double share : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const auto want = static_cast<double>(exact(values, share));
      EXPECT_NEAR(static_cast<double>(read.percentile(share)), want, 0.008 * want) << bits << ' ' << share;
    }
    EXPECT_GE(read.max(), exact(values, 1));
    EXPECT_LE(static_cast<double>(read.max()), 1.016 * static_cast<double>(exact(values, 1)));
  }
}

TEST(Histogram, Subtracting_LeavesWhatCameInBetween) {
  Histogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.record(1'000'000);
  const Distribution warm_up = histogram.read();
  for (int i = 0; i < 10; ++i) histogram.record(7);
  Distribution measured = histogram.read();
  measured.subtract(warm_up);
  EXPECT_EQ(measured.count(), 10U);
  EXPECT_EQ(measured.percentile(1), 7U);
  EXPECT_EQ(measured.max(), 7U);
  EXPECT_EQ(measured.mean(), 7);
}

TEST(Histogram, Adding_JoinsTwoLcores) {
  Histogram one, other;
  one.record(10);
  other.record(20);
  other.record(30);
  Distribution all;
  all.add(one.read());
  all.add(other.read());
  EXPECT_EQ(all.count(), 3U);
  EXPECT_EQ(all.percentile(0.5), 20U);
  EXPECT_EQ(all.mean(), 20);
}

TEST(Histogram, Empty_HasNoPercentiles) {
  Distribution none;
  none.subtract(Distribution());
  none.add(Histogram().read());
  EXPECT_EQ(none.count(), 0U);
  EXPECT_EQ(none.percentile(0.99), 0U);
  EXPECT_EQ(none.max(), 0U);
  EXPECT_EQ(none.mean(), 0);
}

}  // namespace
}  // namespace millrace::services::load
