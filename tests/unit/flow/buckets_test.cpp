// Runs of full buckets: what is pushed on, what is refused, and that a search still ends in the right place.
#include "flow/buckets.h"

#include <gtest/gtest.h>

namespace millrace::flow {
namespace {

// 256 homes: the top octet of a tag is its home.
class Buckets : public testing::Test {
 protected:
  Buckets() { array.allocate_up_to(array.positions()); }
  static uint32_t tag(uint32_t home, uint32_t number) { return home << 24 | number; }
  static uint32_t ref(uint32_t home, uint32_t number) { return 1 + (home << 16 | number); }
  // How many of `count` entries with this home were taken.
  uint32_t fill(uint32_t home, uint32_t count) {
    uint32_t taken = 0;
    while (taken < count && array.insert(tag(home, taken), ref(home, taken))) ++taken;
    return taken;
  }
  // The distance from home at which an entry is found.
  size_t distance(uint32_t home, uint32_t number) {
    const auto position = array.find(tag(home, number), ref(home, number));
    EXPECT_TRUE(position) << home << ' ' << number;
    return position ? position->bucket - home : 0;
  }
  void expect_found(uint32_t home, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) EXPECT_LT(distance(home, i), BucketArray::kReach);
  }

  BucketArray array{8};
};

constexpr uint32_t kRun = 8 * BucketArray::kReach;  // entries of one home that fit within reach

TEST_F(Buckets, OneHome_TakesWhatItsReachHoldsAndRefusesTheRest) {
  for (const uint32_t home : {0U, 100U, 255U}) {
    EXPECT_EQ(fill(home, 1000), kRun);
    expect_found(home, kRun);
  }
}

TEST_F(Buckets, InsertedBehindALongRun_PushesOnWhatIsNearItsHome) {
  fill(10, 8);
  for (uint32_t home = 11; home < 40; ++home) EXPECT_EQ(fill(home, 8), 8U);
  EXPECT_TRUE(array.insert(tag(10, 8), ref(10, 8)));
  expect_found(10, 9);
  for (uint32_t home = 11; home < 40; ++home) expect_found(home, 8);
}

TEST_F(Buckets, RefusedAfterPushing_LosesNothing) {
  fill(10, kRun);
  fill(26, 8);
  EXPECT_FALSE(array.insert(tag(10, kRun), ref(10, kRun)));
  expect_found(10, kRun);
  expect_found(26, 8);
}

TEST_F(Buckets, ErasedFromARun_TheRestComesBackTowardsItsHomes) {
  fill(10, 40);
  fill(11, 8);
  for (uint32_t i = 0; i < 40; ++i) {
    const auto position = array.find(tag(10, i), ref(10, i));
    ASSERT_TRUE(position);
    array.erase(*position);
    for (uint32_t rest = i + 1; rest < 40; ++rest) EXPECT_LE(distance(10, rest), (40 + 8 - i - 2) / 8);
    expect_found(11, 8);
  }
  for (uint32_t i = 0; i < 8; ++i) EXPECT_EQ(distance(11, i), 0U);
}

TEST_F(Buckets, SameTagOtherReference_IsAnotherEntry) {
  EXPECT_TRUE(array.insert(tag(3, 7), 1));
  EXPECT_TRUE(array.insert(tag(3, 7), 2));
  array.erase(*array.find(tag(3, 7), 1));
  EXPECT_FALSE(array.find(tag(3, 7), 1));
  EXPECT_TRUE(array.find(tag(3, 7), 2));
}

TEST_F(Buckets, MemoryReleasedFromTheFront_IsCounted) {
  BucketArray large(14);
  large.allocate_up_to(0);
  const size_t chunk = large.bytes();
  large.allocate_up_to(large.positions());
  EXPECT_EQ(large.bytes(), large.positions() * sizeof(Bucket));
  large.release_before(chunk / sizeof(Bucket) - 1);
  EXPECT_EQ(large.bytes(), large.positions() * sizeof(Bucket));
  large.release_before(chunk / sizeof(Bucket));
  EXPECT_EQ(large.bytes(), large.positions() * sizeof(Bucket) - chunk);
}

}  // namespace
}  // namespace millrace::flow
