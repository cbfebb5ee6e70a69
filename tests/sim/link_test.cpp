// What stacks say of themselves on the link: two that would use the same address, and an endpoint of several
// lcores, each of which sees only a part of the link's frames.
#include <gtest/gtest.h>

#include <array>

#include "fleet.h"
#include "sim/world.h"
#include "wire/arp_nd.h"
#include "wire/icmp.h"

namespace millrace::sim {
namespace {

std::string state_of(const shard::Shard& shard, const IpAddress& address) {
  for (const ip::AddressRow& row : shard.addresses())
    if (row.prefix.address == address) return row.state;
  return "none";
}

ShardParams asking(uint8_t station, const std::vector<Prefix>& addresses) {
  ShardParams params = host_params(station);
  params.interface.addresses = addresses;
  params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 1;
  return params;
}

class TwoStacks : public testing::TestWithParam<Family> {
 protected:
  Prefix shared() const { return {host_address(1, GetParam()), static_cast<uint8_t>(GetParam() == Family::V4 ? 24 : 64)}; }
  std::string state(HostId host) { return state_of(world.shard(host), shared().address); }
  World world{1};
};

TEST_P(TwoStacks, SameAddress_BelongsToWhoHadItFirst) {
  const HostId first = world.add_host("first", asking(1, {shared()}));
  world.run_for(5s);
  const HostId second = world.add_host("second", asking(2, {shared()}));
  world.run_for(5s);
  EXPECT_EQ(state(first), "preferred");
  EXPECT_EQ(state(second), "duplicate");
  EXPECT_EQ(world.shard(second).counters().addresses_duplicate.value(), 1U);
}

TEST_P(TwoStacks, SameAddressAtTheSameTime_IsUsedByOneAtMost) {
  const HostId first = world.add_host("first", asking(1, {shared()}));
  const HostId second = world.add_host("second", asking(2, {shared()}));
  world.run_for(5s);
  EXPECT_EQ(state(first), "preferred");
  EXPECT_EQ(state(second), "duplicate") << "it has heard the other's probe before its own was due";
}

TEST_P(TwoStacks, DifferentAddresses_AreBothUsed) {
  const HostId first = world.add_host("first", asking(1, {shared()}));
  const HostId second = world.add_host("second", asking(2, {{host_address(2, GetParam()), shared().length}}));
  world.run_for(5s);
  EXPECT_EQ(state(first), "preferred");
  EXPECT_EQ(state_of(world.shard(second), host_address(2, GetParam())), "preferred");
}

INSTANTIATE_TEST_SUITE_P(, TwoStacks, testing::Values(Family::V4, Family::V6), [](const auto& one) {
  return one.param == Family::V4 ? "v4" : "v6";
});

class LinkOfManyLcores : public testing::Test {
 protected:
  LinkOfManyLcores() : fleet({.shards = 3, .seed = 1, .starts = true}) {}

  void pass(Micros time) {
    fleet.run_until([] { return false; }, time);
  }
  std::vector<std::string> states(const IpAddress& address) {
    std::vector<std::string> all;
    for (unsigned i = 0; i < fleet.shards(); ++i) all.push_back(state_of(fleet.shard(i), address));
    return all;
  }
  static std::vector<uint8_t> octets_of(const Packet& packet) {
    return {packet.data(), packet.data() + packet.length()};
  }
  static std::vector<std::string> three(const char* state) { return {state, state, state}; }

  const IpAddress ours = host_address(1, Family::V6);
  const MacAddress other = MacAddress({2, 0, 0, 0, 0, 9});
  HeapPool pool{4, 2048};
  Fleet fleet;
};

TEST_F(LinkOfManyLcores, NobodyObjects_AllUseTheAddresses) {
  pass(500ms);
  EXPECT_EQ(states(ours), three("tentative"));
  EXPECT_EQ(fleet.sum(&Counters::nd_solicits_sent), 2U) << "one of them asks";
  pass(700ms);
  EXPECT_EQ(states(ours), three("preferred"));
  EXPECT_EQ(fleet.sum(&Counters::addresses_tentative), 0U);
}

TEST_F(LinkOfManyLcores, OneHearsThatAnotherHostHasIt_NoneUsesIt) {
  pass(500ms);
  Packet packet = pool.allocate();
  ASSERT_TRUE(wire::build_nd(packet, {.destination = wire::group_mac(wire::all_nodes_group()), .source = other}, ours,
                             wire::all_nodes_group(), {.override_ = true, .target = ours, .mac = other}));
  fleet.inject(2, octets_of(packet));
  pass(5s);
  EXPECT_EQ(states(ours), three("duplicate"));
  EXPECT_EQ(states(host_address(1, Family::V4)), three("preferred"));
  EXPECT_EQ(fleet.sum(&Counters::addresses_duplicate), 1U) << "told once";
}

TEST_F(LinkOfManyLcores, LinkIsDownAtFirst_AllWaitForIt) {
  fleet.shard(0).link_changed(false, fleet.now());
  pass(3s);
  EXPECT_EQ(states(ours), three("tentative"));
  fleet.shard(0).link_changed(true, fleet.now());
  pass(1200ms);
  EXPECT_EQ(states(ours), three("preferred"));
}

TEST_F(LinkOfManyLcores, OneHearsARouter_AllKnowIt) {
  pass(2s);
  Packet packet = pool.allocate();
  const std::array<uint8_t, 8> body{};
  ASSERT_TRUE(wire::build_icmp(packet, {.destination = wire::group_mac(wire::all_nodes_group()), .source = other},
                               {.source = *IpAddress::parse("fe80::9"), .destination = wire::all_nodes_group(), .hop_limit = 255},
                               {.type = wire::icmp6::kRouterAdvert, .code = 0, .rest = 1800, .body = body}));
  fleet.inject(1, octets_of(packet));
  pass(10ms);
  for (unsigned i = 0; i < fleet.shards(); ++i) {
    size_t routers = 0;
    for (const ip::RouteRow& row : fleet.shard(i).routes()) routers += row.learnt ? 1 : 0;
    EXPECT_EQ(routers, 1U) << i;
  }
}

}  // namespace
}  // namespace millrace::sim
