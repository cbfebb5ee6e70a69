// Which listener a connection is for.
#include "flow/listeners.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace millrace::flow {
namespace {

Endpoint endpoint(const char* address, uint16_t port) { return {*IpAddress::parse(address), port}; }

TEST(Listeners, NobodyListens_FindsNone) { EXPECT_EQ(Listeners(8).find(endpoint("10.0.0.1", 80)), kNoIndex); }

TEST(Listeners, ExactAddress_IsFoundForItselfAlone) {
  Listeners listeners(8);
  EXPECT_EQ(listeners.add(endpoint("10.0.0.1", 80), 5), ListenResult::Added);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.1", 80)), 5U);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.2", 80)), kNoIndex);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.1", 81)), kNoIndex);
}

TEST(Listeners, Wildcard_TakesItsFamilyAlone) {
  Listeners listeners(8);
  listeners.add(endpoint("0.0.0.0", 80), 4);
  listeners.add(endpoint("::", 443), 6);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.1", 80)), 4U);
  EXPECT_EQ(listeners.find(endpoint("2001:db8::1", 80)), kNoIndex);
  EXPECT_EQ(listeners.find(endpoint("2001:db8::1", 443)), 6U);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.1", 443)), kNoIndex);
}

TEST(Listeners, ExactAndWildcard_ExactWinsInEitherOrder) {
  Listeners listeners(8);
  listeners.add(endpoint("10.0.0.1", 80), 1);
  EXPECT_EQ(listeners.add(endpoint("0.0.0.0", 80), 2), ListenResult::Added);
  EXPECT_EQ(listeners.add(endpoint("10.0.0.3", 80), 3), ListenResult::Added);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.1", 80)), 1U);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.2", 80)), 2U);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.3", 80)), 3U);
  EXPECT_EQ(listeners.remove(endpoint("10.0.0.1", 80)), 1U);
  EXPECT_EQ(listeners.find(endpoint("10.0.0.1", 80)), 2U);
}

TEST(Listeners, SameEndpointTwice_IsInUseUntilRemoved) {
  Listeners listeners(8);
  listeners.add(endpoint("::", 80), 1);
  EXPECT_EQ(listeners.add(endpoint("::", 80), 2), ListenResult::AddressInUse);
  EXPECT_EQ(listeners.find(endpoint("::1", 80)), 1U);
  EXPECT_EQ(listeners.remove(endpoint("::", 80)), 1U);
  EXPECT_EQ(listeners.remove(endpoint("::", 80)), std::nullopt);
  EXPECT_EQ(listeners.add(endpoint("::", 80), 2), ListenResult::Added);
}

TEST(Listeners, PortZeroOrTooMany_IsRefused) {
  Listeners listeners(1);
  EXPECT_EQ(listeners.add(endpoint("10.0.0.1", 0), 1), ListenResult::PortZero);
  EXPECT_EQ(listeners.add(endpoint("10.0.0.1", 1), 1), ListenResult::Added);
  EXPECT_EQ(listeners.add(endpoint("10.0.0.1", 2), 2), ListenResult::Full);
  EXPECT_EQ(listeners.add(endpoint("10.0.0.1", 1), 2), ListenResult::AddressInUse);
}

TEST(Listeners, RandomChanges_MatchAMap) {
  std::mt19937 random(5);
  const char* addresses[] = {"0.0.0.0", "::", "10.0.0.1", "10.0.0.2", "2001:db8::1", "fe80::1"};
  Listeners listeners(64);
  std::map<Endpoint, uint32_t> model;
  for (uint32_t i = 0; i < 20'000; ++i) {
    const Endpoint local = endpoint(addresses[random() % 6], static_cast<uint16_t>(1 + random() % 20));
    const auto found = model.find(local);
    if (random() % 2 == 0) {
      const ListenResult expected = found != model.end() ? ListenResult::AddressInUse
                                    : model.size() == 64 ? ListenResult::Full
                                                         : ListenResult::Added;
      ASSERT_EQ(listeners.add(local, i), expected);
      if (expected == ListenResult::Added) model.emplace(local, i);
    } else {
      ASSERT_EQ(listeners.remove(local), found == model.end() ? std::nullopt : std::optional(found->second));
      if (found != model.end()) model.erase(found);
    }
    const Endpoint asked = endpoint(addresses[2 + random() % 4], local.port);
    auto match = model.find(asked);
    if (match == model.end())
      match = model.find(endpoint(asked.address.is_v4() ? "0.0.0.0" : "::", asked.port));
    ASSERT_EQ(listeners.find(asked), match == model.end() ? kNoIndex : match->second);
  }
  std::map<Endpoint, uint32_t> visited;
  listeners.for_each([&](const Endpoint& local, uint32_t listener) { visited.emplace(local, listener); });
  EXPECT_EQ(visited, model);
}

}  // namespace
}  // namespace millrace::flow
