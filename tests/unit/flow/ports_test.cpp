// Ephemeral ports: RFC 6056's aims, and bounds.
#include "flow/ports.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace millrace::flow {
namespace {

const IpAddress kLocal = IpAddress::v4(10, 0, 0, 1);

Endpoint destination(uint32_t number) {
  return {IpAddress::v4(192, 0, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)), 80};
}
bool any(uint16_t) { return true; }
bool none(uint16_t) { return false; }

TEST(Ports, WholeRange_EachPortOnceBeforeAnyAgain) {
  SeededEntropy entropy(1);
  Ports ports({100, 1099}, entropy);
  std::set<uint16_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto port = ports.select(kLocal, destination(1), any);
    ASSERT_TRUE(port);
    EXPECT_TRUE(ports.range().contains(*port));
    EXPECT_TRUE(seen.insert(*port).second);
  }
  EXPECT_EQ(*seen.begin(), 100);
  EXPECT_EQ(*seen.rbegin(), 1099);
}

TEST(Ports, SameDestination_CandidatesFollowEachOther) {
  SeededEntropy entropy(2);
  Ports ports({}, entropy);
  const auto first = ports.select(kLocal, destination(1), any);
  const auto second = ports.select(kLocal, destination(1), any);
  const uint32_t count = ports.range().count();
  EXPECT_EQ((*second - *first + count) % count, 1U);
}

TEST(Ports, PortsInUse_AreSkipped) {
  SeededEntropy entropy(3);
  Ports ports({1000, 1009}, entropy);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(ports.select(kLocal, destination(1), [](uint16_t p) { return p == 1003; }), 1003);
}

TEST(Ports, AllInUse_NoneAfterTryingEachOnce) {
  SeededEntropy entropy(4);
  Ports ports({1000, 1099}, entropy);
  std::set<uint16_t> asked;
  size_t calls = 0;
  EXPECT_EQ(
      ports.select(kLocal, destination(1), [&](uint16_t port) { return ++calls, asked.insert(port), false; }),
      std::nullopt);
  EXPECT_EQ(calls, 100U);
  EXPECT_EQ(asked.size(), 100U);
}

TEST(Ports, BoundOfCandidates_IsKeptAndTheNextCallGoesOnBehind) {
  SeededEntropy entropy(5);
  Ports ports({1000, 1099}, entropy);
  std::set<uint16_t> asked;
  for (int call = 0; call < 10; ++call) {
    size_t calls = 0;
    ports.select(
        kLocal, destination(1), [&](uint16_t port) { return ++calls, asked.insert(port), false; }, 10);
    EXPECT_EQ(calls, 10U);
  }
  EXPECT_EQ(asked.size(), 100U);
}

TEST(Ports, OnePort_IsGivenAgain) {
  SeededEntropy entropy(6);
  Ports ports({65535, 65535}, entropy);
  EXPECT_EQ(ports.select(kLocal, destination(1), any), 65535);
  EXPECT_EQ(ports.select(kLocal, destination(1), any), 65535);
  EXPECT_EQ(ports.select(kLocal, destination(1), none), std::nullopt);
}

TEST(Ports, SequenceOfADestination_IsHardlyMovedByOthers) {
  SeededEntropy entropy(7);
  Ports ports({}, entropy);
  const auto before = *ports.select(kLocal, destination(1), any);
  for (uint32_t i = 2; i < 502; ++i) ports.select(kLocal, destination(i), any);
  const auto after = *ports.select(kLocal, destination(1), any);
  const uint32_t count = ports.range().count();
  EXPECT_LE((after - before + count) % count, 8U);
}

TEST(Ports, Destinations_BeginAnywhereInTheRange) {
  SeededEntropy entropy(8);
  Ports ports({32768, 60999}, entropy);
  std::vector<uint32_t> counts(64);
  constexpr uint32_t kDestinations = 20'000;
  for (uint32_t i = 0; i < kDestinations; ++i) {
    const auto port = ports.select(kLocal, destination(i), any);
    ++counts[(*port - 32768U) * 64 / ports.range().count()];
  }
  double chi = 0;
  constexpr double kExpected = kDestinations / 64.0;
  for (const uint32_t count : counts) chi += (count - kExpected) * (count - kExpected) / kExpected;
  EXPECT_LT(chi, 63 + 6 * std::sqrt(126.0));
}

TEST(Ports, LocalAddressRemotePortOrKeyDiffers_AnotherSequence) {
  SeededEntropy entropy(9);
  Ports ports({}, entropy);
  SeededEntropy other_entropy(10);
  Ports other({}, other_entropy);
  const uint32_t count = ports.range().count();
  int near = 0;
  for (uint32_t i = 0; i < 200; ++i) {
    Endpoint remote = destination(i);
    const auto port = *ports.select(kLocal, remote, any);
    // One sequence would go on right behind.
    const auto compare = [&](std::optional<uint16_t> next) {
      near += (*next - port + count) % count <= 3 ? 1 : 0;
    };
    compare(ports.select(IpAddress::v4(10, 0, 0, 2), remote, any));
    compare(other.select(kLocal, remote, any));
    remote.port = 443;
    compare(ports.select(kLocal, remote, any));
    remote.address = IpAddress::v4(192, 1, 0, 0);
    compare(ports.select(kLocal, remote, any));
  }
  EXPECT_LE(near, 5);
}

}  // namespace
}  // namespace millrace::flow
