// Keys compare by 22 octets, and their hash spreads what a peer may choose.
#include "flow/key.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace millrace::flow {
namespace {

FlowKey key_v4(uint32_t host, uint16_t remote_port) {
  return {.remote = IpAddress::v4(static_cast<uint8_t>(host >> 24), static_cast<uint8_t>(host >> 16),
                                  static_cast<uint8_t>(host >> 8), static_cast<uint8_t>(host)),
          .remote_port = remote_port,
          .local_port = 80,
          .local = 1};
}

TEST(FlowKey, OwnersBytesDiffer_SameKeyAndHash) {
  SeededEntropy entropy(1);
  const FlowHash hash(entropy);
  FlowKey a = key_v4(0x0a000001, 4000);
  FlowKey b = a;
  b.kind = 3;
  b.state = 0xff;
  EXPECT_TRUE(a == b);
  EXPECT_EQ(hash(a), hash(b));
}

TEST(FlowKey, AnyOtherByteDiffers_OtherKeyAndHash) {
  SeededEntropy entropy(2);
  const FlowHash hash(entropy);
  const FlowKey key = key_v4(0x0a000001, 4000);
  for (size_t byte = 0; byte < 22; ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::array<uint8_t, 24> raw;
      std::memcpy(raw.data(), &key, 24);
      raw[byte] = static_cast<uint8_t>(raw[byte] ^ (1U << bit));
      FlowKey other;
      std::memcpy(static_cast<void*>(&other), raw.data(), 24);
      EXPECT_FALSE(other == key) << byte;
      EXPECT_NE(hash(other), hash(key)) << byte;
    }
  }
}

TEST(FlowKey, OwnersBytes_AreTheLastTwo) {
  FlowKey key;
  key.kind = 1;
  key.state = 2;
  std::array<uint8_t, 24> raw;
  std::memcpy(raw.data(), &key, 24);
  EXPECT_EQ(raw[22], 1);
  EXPECT_EQ(raw[23], 2);
}

TEST(FlowHash, OtherSecrets_OtherHash) {
  SeededEntropy one(1);
  SeededEntropy two(2);
  EXPECT_NE(FlowHash(one)(key_v4(1, 1)), FlowHash(two)(key_v4(1, 1)));
}

// Chi-squared of `counts` for a uniform spread, as a number of standard deviations from what is expected.
double deviation(const std::vector<uint32_t>& counts, double total) {
  const double expected = total / static_cast<double>(counts.size());
  double chi = 0;
  for (const uint32_t count : counts) chi += (count - expected) * (count - expected) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (chi - freedom) / std::sqrt(2 * freedom);
}

class FlowHashSpread : public testing::TestWithParam<int> {
 protected:
  // Keys that a peer can make at will: ports of one host, neighbouring hosts, high bits of IPv6 addresses.
  static FlowKey key(int pattern, uint32_t i) {
    const auto low = static_cast<uint16_t>(i);
    if (pattern == 0) return key_v4(0x0a000001, low);
    if (pattern == 1) return key_v4(0x0a000000 + i, 4000);
    if (pattern == 2) return key_v4(i << 16, 4000);
    std::array<uint8_t, 16> octets{0x20, 0x01};
    const size_t at = pattern == 3 ? 4 : 14;
    octets[at] = static_cast<uint8_t>(i >> 8);
    octets[at + 1] = static_cast<uint8_t>(i);
    return {.remote = IpAddress::v6(octets), .remote_port = 4000, .local_port = 443, .local = 2};
  }
};

TEST_P(FlowHashSpread, BucketsAndTags_LookRandom) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SeededEntropy entropy(seed);
    const FlowHash hash(entropy);
    std::vector<uint32_t> high(4096);
    std::vector<uint32_t> low(4096);
    for (uint32_t i = 0; i < 65536; ++i) {
      const uint64_t value = hash(key(GetParam(), i));
      ++high[value >> 52];
      ++low[value >> 32 & 4095];
    }
    EXPECT_LT(deviation(high, 65536), 6) << seed;
    EXPECT_LT(deviation(low, 65536), 6) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, FlowHashSpread, testing::Range(0, 5));

}  // namespace
}  // namespace millrace::flow
