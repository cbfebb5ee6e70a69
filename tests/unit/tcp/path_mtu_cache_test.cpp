// What is remembered of paths: bounded, ageing, the oldest gives way.
#include "tcp/transfer/path_mtu_cache.h"

#include <gtest/gtest.h>

namespace millrace::tcp {
namespace {

constexpr Micros kLifetime = 600s;

IpAddress destination(uint32_t i) {
  return IpAddress::v4(10, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
}

struct PathMtuCacheTest : testing::Test {
  SeededEntropy entropy{5};
  Instant now{1000s};
};
using PathMtuCaches = PathMtuCacheTest;

TEST_F(PathMtuCaches, WhatIsStored_IsFoundUntilItIsOld) {
  PathMtuCache cache(64, entropy);
  EXPECT_TRUE(cache.empty());
  cache.store(destination(1), 1400, now);
  EXPECT_EQ(cache.find(destination(1), now + 599s, kLifetime), 1400);
  EXPECT_EQ(cache.find(destination(2), now, kLifetime), 0);
  cache.store(destination(1), 1300, now + 599s);
  EXPECT_EQ(cache.find(destination(1), now + 1198s, kLifetime), 1300);
  EXPECT_EQ(cache.find(destination(1), now + 1199s, kLifetime), 0);
  EXPECT_TRUE(cache.empty()) << "what is old is gone";
}

TEST_F(PathMtuCaches, Forgotten_IsGone) {
  PathMtuCache cache(64, entropy);
  cache.store(destination(1), 1400, now);
  cache.forget(destination(1));
  cache.forget(destination(1));
  EXPECT_TRUE(cache.empty());
  EXPECT_EQ(cache.find(destination(1), now, kLifetime), 0);
}

TEST_F(PathMtuCaches, MoreDestinationsThanRoom_TheOldestGiveWay) {
  PathMtuCache cache(64, entropy);
  for (uint32_t i = 0; i < 10'000; ++i) {
    cache.store(destination(i), 1400, now += 1ms);
    ASSERT_EQ(cache.find(destination(i), now, kLifetime), 1400) << "the latest stays";
    ASSERT_LE(cache.used(), cache.bound());
  }
  EXPECT_EQ(cache.bound(), 64U);
  EXPECT_GE(cache.used(), 60U);
  EXPECT_EQ(cache.find(destination(0), now, kLifetime), 0);
}

TEST_F(PathMtuCaches, NoRoom_NothingIsRemembered) {
  PathMtuCache cache(3, entropy);
  EXPECT_EQ(cache.bound(), 0U);
  cache.store(destination(1), 1400, now);
  EXPECT_EQ(cache.find(destination(1), now, kLifetime), 0);
  cache.forget(destination(1));
}

}  // namespace
}  // namespace millrace::tcp
