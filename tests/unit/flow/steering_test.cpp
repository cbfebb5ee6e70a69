#include "flow/steering.h"

#include <gtest/gtest.h>

#include "base/entropy.h"
#include "flow/steering_check.h"
#include "flow/toeplitz.h"

namespace millrace::flow {
namespace {

Toeplitz::Key key_of(std::initializer_list<uint8_t> octets) {
  Toeplitz::Key key{};
  std::copy(octets.begin(), octets.end(), key.begin());
  return key;
}

// The key and the vectors by which Microsoft's RSS specification lets implementations verify themselves.
const Toeplitz::Key kVerification =
    key_of({0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
            0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
            0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa});

Endpoint endpoint(std::string_view address, uint16_t port) { return {*IpAddress::parse(address), port}; }

TEST(Toeplitz, GivesTheSpecifiedHashes) {
  const Toeplitz hash(kVerification);
  EXPECT_EQ(hash(endpoint("66.9.149.187", 2794), endpoint("161.142.100.80", 1766)), 0x51ccc178U);
  EXPECT_EQ(hash(endpoint("199.92.111.2", 14230), endpoint("65.69.140.83", 4739)), 0xc626b0eaU);
  EXPECT_EQ(hash(endpoint("3ffe:2501:200:1fff::7", 2794), endpoint("3ffe:2501:200:3::1", 1766)), 0x40207d3dU);
  EXPECT_EQ(hash(endpoint("3ffe:501:8::260:97ff:fe40:efab", 14230), endpoint("ff02::1", 4739)), 0xdde51bbfU);
}

TEST(Toeplitz, TheLocalPortFoldsIn) {
  const Toeplitz hash(kVerification);
  for (const char* remote : {"10.1.2.3", "2001:db8::17"}) {
    const Endpoint from = endpoint(remote, 443);
    const IpAddress to = *IpAddress::parse(from.address.is_v4() ? "10.0.0.1" : "2001:db8::1");
    for (uint32_t port = 1; port < 65536; port += 997)
      EXPECT_EQ(
          hash(from, {to, static_cast<uint16_t>(port)}),
          hash.without_local_port(from, to) ^ hash.of_local_port(to.family(), static_cast<uint16_t>(port)));
  }
}

TEST(Steering, SpreadsFlowsEvenly) {
  SeededEntropy entropy(7);
  for (const unsigned shards : {1U, 2U, 5U, 64U}) {
    SteeringParams params{.shards = shards, .key = {}, .table = {}};
    for (uint8_t& octet : params.key) octet = static_cast<uint8_t>(entropy.next());
    const Steering steering(params);
    std::vector<unsigned> flows(shards);
    const unsigned count = 1000 * shards;
    for (unsigned i = 0; i < count; ++i)
      ++flows.at(steering.owner({IpAddress::v4(10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)),
                                 static_cast<uint16_t>(entropy.next() | 1)},
                                endpoint("10.0.0.1", 80)));
    for (const unsigned share : flows) {
      EXPECT_GT(share, 700U);
      EXPECT_LT(share, 1300U);
    }
  }
}

TEST(Steering, ByLocalPort_IsTheOwnerOfThatPort) {
  const Steering steering({.shards = 7, .key = kVerification, .table = {}});
  const Endpoint remote = endpoint("2001:db8::9", 80);
  const IpAddress local = *IpAddress::parse("2001:db8::1");
  const auto owner = steering.by_local_port(remote, local);
  for (uint16_t port = 32768; port < 33000; ++port)
    EXPECT_EQ(owner(port), steering.owner(remote, {local, port}));
}

TEST(Steering, TakesTheTableOfTheDevice) {
  const Steering steering({.shards = 4, .key = kVerification, .table = {3, 3}});
  EXPECT_EQ(steering.owner(endpoint("10.0.0.9", 1), endpoint("10.0.0.1", 2)), 3U);
}

TEST(SteeringCheck, AgreesAfterEnoughPackets_DiffersAfterOne) {
  SteeringCheck check;
  for (uint32_t i = 0; i < SteeringCheck::kPackets; ++i) {
    EXPECT_TRUE(check.pending(Family::V4));
    check.saw(Family::V4, true);
  }
  EXPECT_EQ(check.verdict(Family::V4), SteeringCheck::Verdict::Agrees);
  EXPECT_EQ(check.verdict(Family::V6), SteeringCheck::Verdict::Unknown);
  check.saw(Family::V6, true);
  check.saw(Family::V6, false);
  EXPECT_EQ(check.verdict(Family::V6), SteeringCheck::Verdict::Differs);
  EXPECT_FALSE(check.pending(Family::V6));
}

}  // namespace
}  // namespace millrace::flow
