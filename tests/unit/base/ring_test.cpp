// The mailbox between two threads.
#include "base/ring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>

namespace millrace {
namespace {

TEST(Ring, Empty_PopsNothing) {
  Ring<int, 4> ring;
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.pop(), std::nullopt);
}

TEST(Ring, Full_RefusesAndTheValueStaysTheCallers) {
  Ring<std::unique_ptr<int>, 2> ring;
  EXPECT_TRUE(ring.push(std::make_unique<int>(1)));
  EXPECT_TRUE(ring.push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(ring.push(std::move(third)));
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(**ring.pop(), 1);
  EXPECT_TRUE(ring.push(std::move(third)));
  EXPECT_EQ(third, nullptr);
  EXPECT_EQ(**ring.pop(), 2);
  EXPECT_EQ(**ring.pop(), 3);
  EXPECT_TRUE(ring.empty());
}

TEST(Ring, GoneRoundManyTimes_KeepsOrder) {
  Ring<int, 8> ring;
  int pushed = 0;
  int popped = 0;
  for (int i = 0; i < 1000; ++i) {
    for (int k = 0; k < 1 + i % 8; ++k) pushed += ring.push(int{pushed}) ? 1 : 0;
    for (int k = 0; k < 1 + i % 5; ++k)
      if (const auto value = ring.pop()) {
        ASSERT_EQ(*value, popped++);
      }
  }
  EXPECT_GT(popped, 1000);
}

TEST(Ring, DestroyedWithValuesInside_DestroysThem) {
  const auto counted = std::make_shared<int>(0);
  {
    Ring<std::shared_ptr<int>, 4> ring;
    ring.push(std::shared_ptr<int>(counted));
    ring.push(std::shared_ptr<int>(counted));
    ring.pop();
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

struct Counted {
  explicit Counted(int* count) : alive(count) { ++*alive; }
  Counted(Counted&& other) noexcept : alive(other.alive) { ++*alive; }
  ~Counted() { --*alive; }
  int* alive;
};

TEST(Ring, Popped_LeavesNothingBehind) {
  int alive = 0;
  Ring<Counted, 4> ring;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(ring.push(Counted(&alive)));
    EXPECT_EQ(alive, 1);
    ring.pop();
    EXPECT_EQ(alive, 0);
  }
}

// Run under ThreadSanitizer too: what a value points at is read by the other thread without a lock.
TEST(Ring, TwoThreads_EverythingArrivesOnceInOrder) {
  constexpr uint64_t kValues = 200'000;
  Ring<std::unique_ptr<uint64_t>, 64> ring;
  std::thread producer([&ring] {
    for (uint64_t i = 0; i < kValues; ++i) {
      auto value = std::make_unique<uint64_t>(i);
      while (!ring.push(std::move(value))) std::this_thread::yield();
    }
  });
  uint64_t wrong = 0;
  for (uint64_t expected = 0; expected < kValues;) {
    const auto value = ring.pop();
    if (!value) {
      std::this_thread::yield();
      continue;
    }
    wrong += **value == expected++ ? 0 : 1;
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace millrace
