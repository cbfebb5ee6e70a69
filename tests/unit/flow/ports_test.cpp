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

TEST(Ports, Search_IsBoundedHoweverManyAreTaken) {
  SeededEntropy entropy(11);
  Ports ports({}, entropy);
  std::set<uint16_t> asked;
  size_t calls = 0;
  const auto refuse = [&](uint16_t port) { return ++calls, asked.insert(port), false; };
  EXPECT_EQ(ports.search(kLocal, destination(1), refuse), std::nullopt);
  EXPECT_EQ(calls, Ports::kInTurn + Ports::kScattered);
  EXPECT_GE(asked.size(), calls - 4) << "hardly any is asked twice";
  // The next searches ask others: nothing is out of reach for good.
  for (int i = 0; i < 600; ++i) ports.search(kLocal, destination(1), refuse);
  EXPECT_EQ(asked.size(), ports.range().count());
}

TEST(Ports, Search_FindsTheFreeOnesBehindALongRunOfPortsInUse) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededEntropy entropy(seed);
    Ports ports({}, entropy);
    // Opened one after the other and kept: the free ones lie together, 300 of 28,232.
    const uint32_t count = ports.range().count();
    const uint16_t first = *ports.select(kLocal, destination(1), any);
    const auto lies_free = [&](uint16_t port) { return (port + count - first) % count < 300; };
    for (uint32_t i = 1; i < 300; ++i) ports.select(kLocal, destination(1), any);
    for (int i = 0; i < 50; ++i) {
      const auto port = ports.search(kLocal, destination(1), lies_free);
      ASSERT_TRUE(port) << seed;
      EXPECT_TRUE(lies_free(*port));
    }
  }
}

TEST(Ports, Search_TakesTheNextInTurnWhereItIsFree) {
  SeededEntropy entropy(12);
  Ports ports({1000, 1999}, entropy);
  const auto first = *ports.search(kLocal, destination(1), any);
  EXPECT_EQ(*ports.search(kLocal, destination(1), any), first == 1999 ? 1000 : first + 1);
}

TEST(Ports, Search_OfASmallRangeAsksAll) {
  for (const uint16_t ports_in_range : {1, 2, 3, 50, 256}) {
    SeededEntropy entropy(13);
    Ports ports({1000, static_cast<uint16_t>(999 + ports_in_range)}, entropy);
    const auto last = static_cast<uint16_t>(999 + ports_in_range);
    EXPECT_EQ(ports.search(kLocal, destination(1), [&](uint16_t port) { return port == last; }), last);
  }
}

// What one destination learns of us by connecting ports of its own tells it nothing of another's: for known
// first ports of many destinations the next destination's is anywhere.
TEST(Ports, FirstPortOfADestination_DoesNotFollowFromItsNeighboursOnes) {
  SeededEntropy entropy(14);
  Ports ports({}, entropy);
  std::vector<uint32_t> steps(16);
  constexpr uint32_t kDestinations = 16'000;
  uint16_t before = *ports.select(kLocal, destination(0), any);
  for (uint32_t i = 1; i <= kDestinations; ++i) {
    const uint16_t port = *ports.select(kLocal, destination(i), any);
    ++steps[(port + ports.range().count() - before) % ports.range().count() * 16 / ports.range().count()];
    before = port;
  }
  double chi = 0;
  constexpr double kExpected = kDestinations / 16.0;
  for (const uint32_t step : steps) chi += (step - kExpected) * (step - kExpected) / kExpected;
  EXPECT_LT(chi, 15 + 6 * std::sqrt(30.0));
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
