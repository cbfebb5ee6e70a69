// Slabs: bounds, indices that stay put, lives of objects.
#include "base/slab.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace millrace {
namespace {

struct alignas(64) Line {
  explicit Line(uint64_t v = 0) : value(v) {}
  uint64_t value;
};

TEST(Slab, BoundReached_RefusesUntilOneIsGivenBack) {
  for (const uint32_t bound : {1U, 7U, 1023U, 1024U, 1025U, 3000U}) {
    Slab<Line> slab(bound);
    for (uint32_t i = 0; i < bound; ++i) {
      const uint32_t index = slab.create(i);
      ASSERT_LT(index, bound);
    }
    EXPECT_TRUE(slab.full());
    EXPECT_EQ(slab.create(0U), kNoIndex);
    slab.destroy(bound / 2);
    EXPECT_EQ(slab.create(0U), bound / 2);
    EXPECT_EQ(slab.create(0U), kNoIndex);
    for (uint32_t i = 0; i < bound; ++i) slab.destroy(i);
    EXPECT_EQ(slab.used(), 0U);
  }
}

TEST(Slab, BoundOfZero_Refuses) {
  Slab<Line> slab(0);
  EXPECT_EQ(slab.create(1U), kNoIndex);
  EXPECT_EQ(slab.bytes(), 0U);
}

TEST(Slab, Growing_MovesNothing) {
  Slab<Line> slab(10'000);
  const uint32_t first = slab.create(42U);
  const Line* where = &slab[first];
  for (uint32_t i = 1; i < 10'000; ++i) slab.create(i);
  EXPECT_EQ(&slab[first], where);
  EXPECT_EQ(slab.address(first), where);
  EXPECT_EQ(slab[first].value, 42U);
  for (uint32_t i = 0; i < 10'000; ++i) slab.destroy(i);
}

TEST(Slab, OveralignedObjects_LieOnTheirBoundary) {
  Slab<Line> slab(100);
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(reinterpret_cast<uintptr_t>(&slab[slab.create(i)]) % 64, 0U);
  for (uint32_t i = 0; i < 100; ++i) slab.destroy(i);
}

TEST(Slab, Objects_AreConstructedAndDestroyedOnce) {
  const auto counted = std::make_shared<int>(0);
  Slab<std::shared_ptr<int>> slab(100);
  const uint32_t a = slab.create(counted);
  const uint32_t b = slab.create(counted);
  EXPECT_EQ(counted.use_count(), 3);
  slab.destroy(a);
  EXPECT_EQ(counted.use_count(), 2);
  slab.destroy(b);
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(Slab, ObjectsSmallerThanAnIndex_Work) {
  Slab<uint8_t> slab(300);
  for (uint32_t i = 0; i < 300; ++i) slab[slab.create()] = static_cast<uint8_t>(i);
  for (uint32_t i = 0; i < 300; ++i) {
    EXPECT_EQ(slab[i], static_cast<uint8_t>(i));
    slab.destroy(i);
  }
}

TEST(Slab, RandomChurn_MatchesAMap) {
  std::mt19937 random(8);
  Slab<Line> slab(5000);
  std::map<uint32_t, uint64_t> model;
  for (uint64_t i = 0; i < 50'000; ++i) {
    if (random() % 5 < 3) {
      const uint32_t index = slab.create(i);
      ASSERT_EQ(index == kNoIndex, model.size() == 5000);
      if (index != kNoIndex) {
        ASSERT_TRUE(model.emplace(index, i).second);
      }
    } else if (!model.empty()) {
      auto victim = model.lower_bound(random() % 5000);
      if (victim == model.end()) victim = model.begin();
      ASSERT_EQ(slab[victim->first].value, victim->second);
      slab.destroy(victim->first);
      model.erase(victim);
    }
    ASSERT_EQ(slab.used(), model.size());
  }
  for (const auto& [index, value] : model) {
    EXPECT_EQ(slab[index].value, value);
    slab.destroy(index);
  }
}

}  // namespace
}  // namespace millrace
