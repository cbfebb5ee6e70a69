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

}  // namespace
}  // namespace millrace::tcp
