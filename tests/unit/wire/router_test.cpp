// Router discovery and multicast listener messages as octets.
#include <gtest/gtest.h>

#include "frames.h"
#include "wire/arp_nd.h"
#include "wire/bytes.h"
#include "wire/mld.h"
#include "wire/router.h"

namespace millrace::wire::test {
namespace {

Octets advertisement_of_a_router() {
  Octets frame = router_advertisement();
  return fix(frame);
}

std::optional<RouterAdvertisement> parsed(const Octets& frame) {
  Parsed whole(frame);
  if (whole->kind != FrameKind::Icmp6) return std::nullopt;
  return parse_router_advertisement(whole.frame);
}

TEST(Router, Advertisement_SaysWhatStandsInIt) {
  const auto found = parsed(advertisement_of_a_router());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->router, *IpAddress::parse("fe80::1"));
  EXPECT_EQ(found->preference, RouterPreference::High);
  EXPECT_EQ(found->lifetime_seconds, 1800);
  EXPECT_EQ(found->reachable_ms, 30'000U);
  EXPECT_EQ(found->retransmit_ms, 1000U);
  EXPECT_EQ(found->mac, kPeerMac);
  EXPECT_EQ(found->mtu, 1400U);
  ASSERT_EQ(found->prefix_count, 1);
  EXPECT_EQ(found->prefixes[0].prefix, *Prefix::parse("2001:db8:1::/64"));
  EXPECT_TRUE(found->prefixes[0].on_link);
  EXPECT_FALSE(found->prefixes[0].autonomous);
  EXPECT_EQ(found->prefixes[0].valid_seconds, 3600U);
  EXPECT_EQ(found->prefixes[0].preferred_seconds, 1800U);
}

// RFC 4191 §2.2: a router that is no default router has no preference.
TEST(Router, LifetimeOfZero_HasNoPreference) {
  Octets frame = advertisement_of_a_router();
  put(frame, 60, 0);
  EXPECT_EQ(parsed(fix(frame))->preference, RouterPreference::Medium);
}

// RFC 4861 §6.1.2.
TEST(Router, EveryCut_IsRefusedOrWhole) {
  const Octets whole = advertisement_of_a_router();
  for (size_t length = 62; length < whole.size(); ++length) {
    Octets frame(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
    const auto found = parsed(fix(fix_length(frame)));
    const bool at_an_option = length == 70 || length == 78 || length == 86;
    EXPECT_EQ(found.has_value(), at_an_option) << length;
  }
}

TEST(Router, FromElsewhereThanTheLink_IsRefused) {
  for (const auto& [at, value] : {std::pair<size_t, uint8_t>{21, 254}, {22, 0x20}, {55, 1}}) {
    Octets frame = advertisement_of_a_router();
    frame[at] = value;
    EXPECT_FALSE(parsed(fix(frame))) << at;
  }
}

TEST(Router, UnknownOptions_ArePassedOver) {
  Octets frame = advertisement_of_a_router();
  frame[70] = 200;  // what was the link-layer address
  const auto found = parsed(fix(frame));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->mac);
  EXPECT_EQ(found->mtu, 1400U);
}

TEST(Router, PrefixWithBitsBeyondItsLength_LosesThem) {
  Octets frame = advertisement_of_a_router();
  frame.back() = 7;
  EXPECT_EQ(parsed(fix(frame))->prefixes[0].prefix, *Prefix::parse("2001:db8:1::/64"));
}

// RFC 4861 §4.1.
TEST(Router, Solicitation_FromTheUnspecifiedAddress_TellsNoMac) {
  HeapPool pool(1, 128);
  Packet packet = pool.allocate();
  ASSERT_TRUE(build_router_solicitation(packet, kOurMac, IpAddress()));
  EXPECT_EQ(packet.length(), 14U + 40 + 8);
  ASSERT_TRUE(build_router_solicitation(packet, kOurMac, *IpAddress::parse("fe80::2")));
  EXPECT_EQ(packet.length(), 14U + 40 + 16);
}

// RFC 3971 §5.3.2, RFC 7527.
TEST(NeighborDiscovery, Nonce_GoesThere) {
  HeapPool pool(1, 128);
  Packet packet = pool.allocate();
  const NdNonce nonce{1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(build_nd(packet, {.destination = kOurMac, .source = kPeerMac}, IpAddress(),
                       solicited_node_group(kOur6), {.solicitation = true, .target = kOur6, .mac = {}, .nonce = nonce}));
  const Octets frame(packet.data(), packet.data() + packet.length());
  EXPECT_EQ(Octets(frame.end() - 8, frame.end()), (Octets{14, 1, 1, 2, 3, 4, 5, 6}));
  Parsed back(frame);
  ASSERT_EQ(back->kind, FrameKind::Icmp6);
  EXPECT_EQ(parse_nd(back.frame)->nonce, nonce);
}

TEST(MldReport, TooManyRecordsOrNoRoom_AreRefused) {
  HeapPool pool(2, 2048);
  Packet packet = pool.allocate();
  const std::vector<MldGroup> many(kMldRecords + 1);
  EXPECT_FALSE(build_mld_report(packet, kOurMac, IpAddress(), many));
  EXPECT_TRUE(build_mld_report(packet, kOurMac, IpAddress(), std::span(many).first(kMldRecords)));
  HeapPool small(1, 64);
  Packet tiny = small.allocate();
  EXPECT_FALSE(build_mld_report(tiny, kOurMac, IpAddress(), std::span(many).first(1)));
  EXPECT_FALSE(build_mld1_report(tiny, kOurMac, IpAddress(), many[0]));
}

}  // namespace
}  // namespace millrace::wire::test
