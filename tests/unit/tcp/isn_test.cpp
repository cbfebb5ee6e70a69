#include "tcp/open/isn.h"

#include <gtest/gtest.h>

namespace millrace::tcp {
namespace {

const wire::FlowAddress kFlow{.local = {IpAddress::v4(10, 0, 0, 1), 80},
                              .remote = {IpAddress::v4(10, 0, 0, 2), 4000}};

TEST(Isn, Rises_ByOneEachFourMicroseconds) {
  SeededEntropy entropy(1);
  const IsnGenerator isn(entropy);
  const Instant now{100s};
  EXPECT_EQ(isn.isn(kFlow, now + 4us) - isn.isn(kFlow, now), 1U);
  EXPECT_EQ(isn.isn(kFlow, now + 1s) - isn.isn(kFlow, now), 250'000U);
}

TEST(Isn, DependsOnEveryPartOfTheFlowAndOnTheSecret) {
  SeededEntropy entropy(1), other_entropy(2);
  const IsnGenerator isn(entropy), other(other_entropy);
  const Instant now{1s};
  const Seq base = isn.isn(kFlow, now);
  wire::FlowAddress flow = kFlow;
  flow.remote.port ^= 1;
  EXPECT_NE(isn.isn(flow, now), base);
  flow = kFlow;
  flow.local.port ^= 1;
  EXPECT_NE(isn.isn(flow, now), base);
  flow = kFlow;
  flow.remote.address = IpAddress::v4(10, 0, 0, 3);
  EXPECT_NE(isn.isn(flow, now), base);
  EXPECT_NE(other.isn(kFlow, now), base);
}

TEST(Isn, TimestampOffset_IsOneAnAddressPair) {
  SeededEntropy entropy(1);
  const IsnGenerator isn(entropy);
  const uint32_t offset = isn.timestamp_offset(kFlow.local.address, kFlow.remote.address);
  EXPECT_EQ(offset, isn.timestamp_offset(kFlow.local.address, kFlow.remote.address));
  EXPECT_NE(offset, isn.timestamp_offset(kFlow.remote.address, kFlow.local.address));
}

// A fleet's nodes have clocks that began at different times; what they write into TSval is one clock.
TEST(Isn, SharedTimestamps_AreOneClockOnEveryNode) {
  SeededEntropy entropy(1), other_entropy(2);
  IsnGenerator isn(entropy), other(other_entropy);
  const IpAddress local = kFlow.local.address, remote = kFlow.remote.address;
  const uint32_t own = isn.timestamp_offset(local, remote);
  SipKey key{};
  key.fill(9);
  isn.share_timestamps(key);
  other.share_timestamps(key);
  isn.set_wall_ahead(500'000);    // its clock shows 1,000 ms when the other one's
  other.set_wall_ahead(491'000);  // shows 10,000 ms
  EXPECT_EQ(1'000 + isn.timestamp_offset(local, remote), 10'000 + other.timestamp_offset(local, remote));
  EXPECT_NE(isn.timestamp_offset(local, remote), isn.timestamp_offset(remote, local));
  isn.share_timestamps(std::nullopt);
  EXPECT_EQ(isn.timestamp_offset(local, remote), own);
}

}  // namespace
}  // namespace millrace::tcp
