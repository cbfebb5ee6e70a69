// What the host answers, announces and chooses. Neighbour: neighbor_test.cpp for the cache.
#include "host_fixture.h"

namespace millrace::ip::test {
namespace {

using wire::test::Parsed;

TEST_F(HostTest, LocalAddresses_AreNumberedAndIncludeTheLinkLocalOne) {
  EXPECT_EQ(host->local_id(kOur4), 0);
  EXPECT_EQ(host->local_id(kOur6), 1);
  // 02:00:00:00:00:02 with the universal bit turned over and ff:fe in the middle (RFC 2464 §4).
  EXPECT_EQ(host->local_id(address("fe80::ff:fe00:2")), 2);
  EXPECT_EQ(host->local_address(2), address("fe80::ff:fe00:2"));
  EXPECT_EQ(host->local_id(kPeer4), kNoLocal);
  EXPECT_EQ(host->local_id(IpAddress()), kNoLocal);
  interface.addresses = {{kOur4, 24}};
  restart();
  EXPECT_EQ(host->local_id(address("fe80::ff:fe00:2")), kNoLocal) << "no IPv6, no link-local address";
}

TEST_F(HostTest, ManyLocalAddresses_AreAllFound) {
  interface.addresses.clear();
  for (uint8_t i = 1; i < 250; ++i) interface.addresses.push_back({IpAddress::v4(10, 0, 1, i), 16});
  restart();
  for (uint8_t i = 1; i < 250; ++i) EXPECT_EQ(host->local_id(IpAddress::v4(10, 0, 1, i)), i - 1);
  EXPECT_EQ(host->local_id(IpAddress::v4(10, 0, 2, 1)), kNoLocal);
}

TEST_F(HostTest, ArpRequestForUs_IsAnsweredToItsStation) {
  receive(wire::test::arp_request());
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0], wire::test::hex("020000000001 020000000002 0806"
                                       "0001 0800 06 04 0002 020000000002 0a000002 020000000001 0a000001"));
  EXPECT_EQ(counters.arp_replies_sent.value(), 1U);
}

TEST_F(HostTest, ArpProbeForUs_IsAnsweredAndNotRemembered) {
  receive(arp(wire::ArpPacket::kRequest, mac(9), IpAddress::v4(0, 0, 0, 0), {}, kOur4));
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_F(HostTest, ArpRequestForAnother_IsLeftAlone) {
  receive(arp(wire::ArpPacket::kRequest, kPeerMac, kPeer4, {}, IpAddress::v4(10, 0, 0, 77)));
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(dropped(DropReason::ArpUnwanted), 1U);
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_F(HostTest, ArpOfAnotherWithOurAddress_IsCountedAndDefendedOnceInTenSeconds) {
  const Octets claim = arp(wire::ArpPacket::kRequest, mac(9), kOur4, {}, kOur4);
  receive(claim);
  receive(claim);
  EXPECT_EQ(counters.address_conflicts.value(), 2U);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0][21], 1) << "an announcement";
  now += 10s;
  receive(claim);
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_F(HostTest, OurOwnArpReflected_IsNoConflict) {
  receive(arp(wire::ArpPacket::kRequest, kOurMac, kOur4, {}, kOur4));
  EXPECT_EQ(counters.address_conflicts.value(), 0U);
}

TEST_F(HostTest, SolicitationForUs_IsAnsweredSolicitedWithOurMac) {
  receive(wire::test::solicitation());
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  Octets expected = wire::test::hex(
      "020000000001 020000000002 86dd"
      "60000000 0020 3a ff 20010db8000000000000000000000002 20010db8000000000000000000000001"
      "88000000 60000000 20010db8000000000000000000000002 0201020000000002");
  EXPECT_EQ(frames[0], wire::test::fix(expected));
}

TEST_F(HostTest, SolicitationForOurLinkLocalAddress_IsAnswered) {
  const IpAddress ours = address("fe80::ff:fe00:2");
  receive(nd(address("fe80::1"), wire::solicited_node_group(ours), kPeerMac,
             {.solicitation = true, .target = ours, .mac = kPeerMac}));
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_EQ(state(address("fe80::1")), "stale");
}

TEST_F(HostTest, DuplicateAddressProbe_IsAnsweredOnAllNodes) {
  receive(nd(IpAddress(), wire::solicited_node_group(kOur6), mac(9),
             {.solicitation = true, .target = kOur6, .mac = {}}));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  Octets expected = wire::test::hex(
      "333300000001 020000000002 86dd"
      "60000000 0020 3a ff 20010db8000000000000000000000002 ff020000000000000000000000000001"
      "88000000 20000000 20010db8000000000000000000000002 0201020000000002");
  EXPECT_EQ(frames[0], wire::test::fix(expected));
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_F(HostTest, SolicitationForAnother_IsLeftAlone) {
  const IpAddress other = address("2001:db8::1:2");
  receive(nd(kPeer6, wire::solicited_node_group(kOur6), kPeerMac,
             {.solicitation = true, .target = other, .mac = kPeerMac}));
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(dropped(DropReason::NdUnwanted), 1U);
}

TEST_F(HostTest, AdvertisementOfOurAddressByAnother_IsCounted) {
  receive(nd(kOur6, wire::all_nodes_group(), mac(9), {.override_ = true, .target = kOur6, .mac = mac(9)}));
  EXPECT_EQ(counters.address_conflicts.value(), 1U);
}

TEST_F(HostTest, RouterAdvertisementAndRedirect_ChangeNothing) {
  const Octets body(40);
  HeapPool own(1, 256);
  Packet packet = own.allocate();
  ASSERT_TRUE(wire::build_icmp(packet, {.destination = kOurMac, .source = kPeerMac},
                               {.source = address("fe80::fe"), .destination = kOur6, .hop_limit = 255},
                               {.type = 137, .code = 0, .rest = 0, .body = std::span(body).first(32)}));
  receive(octets_of(packet));
  EXPECT_EQ(dropped(DropReason::NdUnwanted), 1U);
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_F(HostTest, Announce_TellsEveryAddress) {
  neighbor.dup_addr_detect_transmits = neighbor.arp_probes = 0;
  restart();
  host->start(true, now, out);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0], wire::test::hex("ffffffffffff 020000000002 0806"
                                       "0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000002"));
  Octets expected = wire::test::hex(
      "333300000001 020000000002 86dd"
      "60000000 0020 3a ff 20010db8000000000000000000000002 ff020000000000000000000000000001"
      "88000000 20000000 20010db8000000000000000000000002 0201020000000002");
  EXPECT_EQ(frames[1], wire::test::fix(expected));
}

TEST_F(HostTest, Announce_LinkTakesNoMore_TheRestGoesWithTheNextBurst) {
  neighbor.dup_addr_detect_transmits = neighbor.arp_probes = 0;
  restart();
  PacketBatch tiny(1);
  host->start(true, now, tiny);
  EXPECT_EQ(tiny.size(), 1U);
  EXPECT_EQ(dropped(DropReason::TxQueueFull), 1U);
  tiny.clear();
  expire_at(host->next_deadline());
  EXPECT_EQ(sent().size(), 2U);
  EXPECT_EQ(host->next_deadline(), kNever);
}

TEST_F(HostTest, PoolEmpty_IsCounted) {
  std::vector<Packet> all;
  while (Packet packet = pool.allocate()) all.push_back(std::move(packet));
  receive(wire::test::arp_request());
  EXPECT_EQ(dropped(DropReason::PacketPoolEmpty), 1U);
}

TEST_F(HostTest, EchoRequests_AreAnsweredToTheirStation) {
  receive(wire::test::echo4());
  receive(wire::test::echo6());
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0], wire::test::hex("020000000001 020000000002 0800"
                                       "45000023 00004000 4001 26d8 0a000002 0a000001"
                                       "0000afe1 beef0001 61626364656667"));
  Octets expected = wire::test::hex(
      "020000000001 020000000002 86dd"
      "60000000 000f 3a 40 20010db8000000000000000000000002 20010db8000000000000000000000001"
      "81000000 beef0001 61626364656667");
  EXPECT_EQ(frames[1], wire::test::fix(expected));
  EXPECT_EQ(counters.icmp_echo_replies_sent.value(), 2U);
  EXPECT_TRUE(host->neighbors().empty()) << "no state for a stranger";
}

TEST_F(HostTest, EchoSwitchedOff_IsSilent) {
  icmp.echo = false;
  receive(wire::test::echo4());
  EXPECT_TRUE(sent().empty());
}

TEST_F(HostTest, EchoToABroadcast_IsNotAnswered) {
  for (const char* group : {"10.0.0.255", "255.255.255.255", "224.0.0.1"})
    receive(icmp_frame(kPeer4, address(group), {.type = 8}));
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(dropped(DropReason::IcmpUnwanted), 3U);
}

TEST_F(HostTest, EchoToAllNodes_IsAnsweredFromAUnicastAddress) {
  receive(icmp_frame(kPeer6, wire::all_nodes_group(), {.type = 128}));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(std::equal(kOur6.octets().begin(), kOur6.octets().end(), frames[0].begin() + 22));
}

TEST_F(HostTest, IcmpForAnotherOrFromOurselves_IsDropped) {
  receive(icmp_frame(kPeer4, address("10.0.0.3"), {.type = 8}));
  EXPECT_EQ(dropped(DropReason::IpNotOurs), 1U);
  receive(icmp_frame(kOur4, kOur4, {.type = 8}));
  receive(icmp_frame(address("10.0.0.255"), kOur4, {.type = 8}));
  EXPECT_EQ(dropped(DropReason::IpSourceInvalid), 2U);
  EXPECT_TRUE(sent().empty());
}

// What we sent, as an error would quote it.
Octets our_segment(Family family) {
  Octets frame = family == Family::V4 ? wire::test::data4() : wire::test::data6();
  const ptrdiff_t at = family == Family::V4 ? 26 : 22, size = family == Family::V4 ? 4 : 16;
  std::swap_ranges(frame.begin() + at, frame.begin() + at + size, frame.begin() + at + size);
  return {frame.begin() + 14, frame.end()};
}

TEST_F(HostTest, IcmpErrors_BecomeHints) {
  struct Case {
    Family family;
    uint8_t type, code;
    IcmpHint hint;
  };
  using enum IcmpHint;
  // RFC 1122 §4.2.3.9, RFC 4443 §3.
  const Case cases[] = {
      {Family::V4, 3, 0, Unreachable},  {Family::V4, 3, 1, Unreachable},  {Family::V4, 3, 2, Refused},
      {Family::V4, 3, 3, Refused},      {Family::V4, 3, 5, Unreachable},  {Family::V4, 3, 13, Refused},
      {Family::V4, 4, 0, SourceQuench}, {Family::V4, 11, 0, Unreachable}, {Family::V4, 12, 0, Unreachable},
      {Family::V6, 1, 0, Unreachable},  {Family::V6, 1, 1, Refused},      {Family::V6, 1, 3, Unreachable},
      {Family::V6, 1, 4, Refused},      {Family::V6, 3, 0, Unreachable},  {Family::V6, 4, 1, Refused},
      {Family::V6, 4, 0, Unreachable}};
  for (const Case& c : cases) {
    const bool v4 = c.family == Family::V4;
    const Octets quote = our_segment(c.family);
    const auto error = receive(icmp_frame(v4 ? kPeer4 : kPeer6, v4 ? kOur4 : kOur6,
                                          {.type = c.type, .code = c.code, .rest = 0, .body = quote}));
    ASSERT_TRUE(error) << int{c.type} << '/' << int{c.code};
    EXPECT_EQ(error->hint, c.hint) << int{c.type} << '/' << int{c.code};
    EXPECT_EQ(error->quoted.flow.local, (Endpoint{v4 ? kOur4 : kOur6, 49152}));
    EXPECT_EQ(error->quoted.flow.remote, (Endpoint{v4 ? kPeer4 : kPeer6, 80}));
    EXPECT_EQ(error->quoted.seq, Seq(0x11223345));
  }
}

TEST_F(HostTest, PacketTooBig_SaysTheNextMtu) {
  const auto mtu4 = [&](uint32_t rest, uint16_t quoted_length = 1500) {
    Octets quote = our_segment(Family::V4);
    quote[2] = static_cast<uint8_t>(quoted_length >> 8);
    quote[3] = static_cast<uint8_t>(quoted_length);
    const auto error =
        receive(icmp_frame(kPeer4, kOur4, {.type = 3, .code = 4, .rest = rest, .body = quote}));
    return error ? int{error->next_mtu} : -1;
  };
  EXPECT_EQ(mtu4(1400), 1400);
  EXPECT_EQ(mtu4(0), 1492) << "RFC 1191 §7.1: the plateau below 1500";
  EXPECT_EQ(mtu4(0, 576), 508);
  EXPECT_EQ(mtu4(67), -1);
  const Octets quote = our_segment(Family::V6);
  const auto mtu6 = [&](uint32_t rest) {
    const auto error =
        receive(icmp_frame(kPeer6, kOur6, {.type = 2, .code = 0, .rest = rest, .body = quote}));
    return error ? int{error->next_mtu} : -1;
  };
  EXPECT_EQ(mtu6(1400), 1400);
  EXPECT_EQ(mtu6(1280), 1280);
  EXPECT_EQ(mtu6(1279), -1) << "RFC 8201 §4: to be discarded";
  EXPECT_EQ(mtu6(70000), 65535);
}

TEST_F(HostTest, IcmpErrorQuotingAnother_IsForeign) {
  Octets quote = our_segment(Family::V4);
  quote[15] = 77;  // the quoted source is not the one that the error came to
  EXPECT_FALSE(receive(icmp_frame(kPeer4, kOur4, {.type = 3, .code = 3, .rest = 0, .body = quote})));
  quote = our_segment(Family::V4);
  EXPECT_FALSE(receive(
      icmp_frame(kPeer4, kOur4, {.type = 3, .code = 3, .rest = 0, .body = std::span(quote).first(27)})));
  EXPECT_EQ(dropped(DropReason::IcmpQuoteForeign), 2U);
}

class HostError : public HostTest {
 protected:
  // An error about `octets`, as the shard would send it; the frames that come of it.
  std::vector<Octets> complain(const Octets& octets, uint8_t type, uint8_t code) {
    Parsed parsed(octets);
    host->send_error(parsed.frame, type, code, now, out);
    return sent();
  }
};

TEST_F(HostError, ProtocolUnreachable_QuotesThePacket) {
  Octets udp = wire::test::data4();
  udp[23] = 17;
  wire::test::fix(udp);
  const auto frames = complain(udp, 3, 2);
  ASSERT_EQ(frames.size(), 1U);
  const Octets& frame = frames[0];
  ASSERT_EQ(frame.size(), 14 + 20 + 8 + udp.size() - 14);
  EXPECT_EQ(frame[34], 3);
  EXPECT_EQ(frame[35], 2);
  EXPECT_TRUE(std::equal(udp.begin() + 14, udp.end(), frame.begin() + 42));
  EXPECT_EQ(wire::test::reference_checksum(std::span(frame).subspan(34)), 0);
}

TEST_F(HostError, ParameterProblem_PointsAtTheOctet) {
  Octets unknown = wire::test::data6();
  unknown[20] = 17;
  Parsed parsed(unknown);
  host->send_error(parsed.frame, parsed->error_type, parsed->error_code, now, out);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0][54], 4);
  EXPECT_EQ(frames[0][55], 1);
  EXPECT_EQ(frames[0][61], 6) << "the next header field of the fixed header";
}

TEST_F(HostError, QuoteStaysBelowTheLeastMtu) {
  Octets four = wire::test::data4();
  four[23] = 17;
  four.resize(1514);
  EXPECT_EQ(complain(wire::test::fix(wire::test::fix_length(four)), 3, 2).at(0).size(), 14U + 576U);
  Octets six = wire::test::data6();
  six[20] = 17;
  six.resize(1514);
  EXPECT_EQ(complain(wire::test::fix_length(six), 4, 1).at(0).size(), 14U + 1280U);
}

TEST_F(HostError, NeverAboutAnErrorAGroupAFragmentOrAStranger) {
  const Octets quote = our_segment(Family::V4);
  EXPECT_TRUE(
      complain(icmp_frame(kPeer4, kOur4, {.type = 3, .code = 3, .rest = 0, .body = quote}), 3, 2).empty());
  EXPECT_TRUE(
      complain(icmp_frame(kPeer6, kOur6, {.type = 1, .code = 4, .rest = 0, .body = quote}), 4, 1).empty());
  Octets broadcast = wire::test::data4();
  std::fill_n(broadcast.begin(), 6, uint8_t{0xff});
  EXPECT_TRUE(complain(broadcast, 3, 2).empty());
  Octets fragment = wire::test::data4();
  fragment[21] = 1;
  EXPECT_TRUE(complain(wire::test::fix(fragment), 3, 2).empty());
  Octets elsewhere = wire::test::data4();
  elsewhere[33] = 9;
  EXPECT_TRUE(complain(wire::test::fix(elsewhere), 3, 2).empty());
  Octets from_broadcast = wire::test::data4();
  from_broadcast[29] = 255;
  EXPECT_TRUE(complain(wire::test::fix(from_broadcast), 3, 2).empty());
  // An error hidden behind an extension header that we reject.
  Octets hidden = icmp_frame(kPeer6, kOur6, {.type = 1, .code = 4, .rest = 0, .body = quote});
  const Octets extension = wire::test::hex("3a00810400000000");
  hidden[20] = 60;
  hidden.insert(hidden.begin() + 54, extension.begin(), extension.end());
  EXPECT_TRUE(complain(wire::test::fix_length(hidden), 4, 2).empty());
  EXPECT_EQ(counters.icmp_errors_sent.value(), 0U);
  EXPECT_EQ(complain(wire::test::echo4(), 3, 2).size(), 1U) << "about a query it may be";
}

TEST_F(HostError, AreLimitedToTheRate) {
  icmp.errors_per_second = 100;
  restart();
  int count = 0;
  const Instant start = now;
  for (int ms = 0; ms < 2000; ++ms) {
    now = start + ms * 1ms;
    for (int i = 0; i < 3; ++i) count += static_cast<int>(complain(wire::test::data4(), 3, 2).size());
  }
  EXPECT_GE(count, 200);
  EXPECT_LE(count, 211);
  EXPECT_EQ(counters.icmp_errors_limited.value(), 6000U - static_cast<unsigned>(count));
  now += 86400s;
  EXPECT_EQ(complain(wire::test::data4(), 3, 2).size(), 1U);
  now += 86400s;
  count = 0;
  for (int i = 0; i < 100; ++i) count += static_cast<int>(complain(wire::test::data4(), 3, 2).size());
  EXPECT_EQ(count, 10) << "a long silence saves up no more than the burst";
}

TEST_F(HostError, RateOfZero_SendsNone) {
  icmp.errors_per_second = 0;
  restart();
  EXPECT_TRUE(complain(wire::test::data4(), 3, 2).empty());
}

TEST_F(HostTest, Route_LongestPrefixWins) {
  interface.routes.push_back({*Prefix::parse("198.51.0.0/16"), address("10.0.0.7")});
  interface.routes.push_back({*Prefix::parse("198.51.100.0/24"), address("10.0.0.8")});
  restart();
  send_to(address("198.51.100.1"));
  EXPECT_EQ(state(address("10.0.0.8")), "incomplete");
  send_to(address("198.51.7.1"));
  EXPECT_EQ(state(address("10.0.0.7")), "incomplete");
  send_to(address("203.0.113.1"));
  EXPECT_EQ(state(address("10.0.0.254")), "incomplete");
}

TEST_F(HostTest, NoRoute_IsDroppedAndSaid) {
  interface.routes.clear();
  restart();
  for (const char* far : {"198.51.100.1", "2001:db8:9::1"}) {
    EXPECT_FALSE(send_to(address(far)));
    EXPECT_FALSE(host->select_source(address(far)));
  }
  EXPECT_EQ(dropped(DropReason::NoRoute), 2U);
}

TEST_F(HostTest, GroupsBroadcastsAndOurselves_AreNotSentTo) {
  for (const char* no : {"10.0.0.255", "255.255.255.255", "224.0.0.1", "ff02::1", "127.0.0.1", "::1",
                         "0.0.0.0", "::", "10.0.0.2", "2001:db8::2"}) {
    EXPECT_FALSE(send_to(address(no))) << no;
    EXPECT_EQ(host->resolve(address(no), now), nullptr) << no;
  }
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_F(HostTest, SourceAcceptable_NeitherOursNorASubnetsBroadcast) {
  EXPECT_TRUE(host->source_acceptable(kPeer4));
  EXPECT_TRUE(host->source_acceptable(kPeer6));
  EXPECT_FALSE(host->source_acceptable(kOur4));
  EXPECT_FALSE(host->source_acceptable(address("10.0.0.255")));
}

TEST_F(HostTest, SelectSource_ByScopeNextHopLabelAndPrefix) {
  interface.addresses = {{kOur4, 24},
                         {address("192.168.7.2"), 24},
                         {kOur6, 64},
                         {address("fd00:1::2"), 64},
                         {address("2001:db8:5::2"), 64}};
  restart();
  const auto source = [&](const char* destination) {
    return host->select_source(address(destination)).value_or(IpAddress()).text();
  };
  EXPECT_EQ(source("10.0.0.9"), "10.0.0.2");
  EXPECT_EQ(source("192.168.7.9"), "192.168.7.2");
  EXPECT_EQ(source("198.51.100.1"), "10.0.0.2") << "the gateway's subnet";
  EXPECT_EQ(source("fe80::9"), "fe80::ff:fe00:2") << "rule 2: scope";
  EXPECT_EQ(source("2001:db8:5::9"), "2001:db8:5::2") << "rule 8: longest prefix";
  EXPECT_EQ(source("fd00:9::1"), "fd00:1::2") << "rule 6: label";
  EXPECT_EQ(source("2001:db8:6::1"), "2001:db8:5::2") << "rule 8, off link";
  EXPECT_NE(source("2600::1"), "fe80::ff:fe00:2") << "rule 2: never link-local for a global destination";
}

}  // namespace
}  // namespace millrace::ip::test
