// Frames that are accepted, and what is read from them. Neighbour: parse_drop_test.cpp for those that are
// not.
#include <gtest/gtest.h>

#include "frames.h"
#include "wire/icmp.h"

namespace millrace::wire::test {
namespace {

void expect_syn(Frame& frame) {
  ASSERT_EQ(frame.kind, FrameKind::Tcp) << name_of(frame.reason);
  const Segment& segment = frame.tcp;
  EXPECT_EQ(segment.flow.remote.port, 49152);
  EXPECT_EQ(segment.flow.local.port, 80);
  EXPECT_EQ(segment.seq, Seq(0x11223344));
  EXPECT_EQ(segment.ack, Seq(0));
  EXPECT_EQ(segment.flags, kSyn);
  EXPECT_EQ(segment.window.field(), 64240);
  TcpOptions expected;
  expected.mss = Mss(1460);
  expected.sack_permitted = true;
  expected.timestamps = Timestamps{0x01020304, 0};
  expected.window_scale = WindowScale(7);
  EXPECT_EQ(segment.options, expected);
  EXPECT_EQ(segment.payload_length, 0U);
}

TEST(Parse, SynOverIpv4) {
  Parsed parsed(syn4());
  expect_syn(parsed.frame);
  EXPECT_EQ(parsed->source, kPeer4);
  EXPECT_EQ(parsed->destination, kOur4);
  EXPECT_EQ(parsed->tcp.flow.remote.address, kPeer4);
  EXPECT_EQ(parsed->tcp.flow.local.address, kOur4);
  EXPECT_EQ(parsed->source_mac, kPeerMac);
  EXPECT_EQ(parsed->hop_limit, 64);
}

TEST(Parse, SynOverIpv6) {
  Parsed parsed(syn6());
  expect_syn(parsed.frame);
  EXPECT_EQ(parsed->tcp.flow.remote.address, kPeer6);
  EXPECT_EQ(parsed->tcp.flow.local.address, kOur6);
}

TEST(Parse, DataCarriesPayloadAndTimestamps) {
  for (const Octets& octets : {data4(), data6()}) {
    Parsed parsed(octets);
    ASSERT_EQ(parsed->kind, FrameKind::Tcp) << name_of(parsed->reason);
    EXPECT_EQ(parsed->tcp.flags, kPsh | kAck);
    EXPECT_EQ(parsed->tcp.ack, Seq(0x55667788));
    ASSERT_TRUE(parsed->tcp.options.timestamps);
    EXPECT_EQ(*parsed->tcp.options.timestamps, (Timestamps{10, 20}));
    ASSERT_EQ(parsed->tcp.payload_length, 5U);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(parsed->tcp.payload), 5), "GET /");
  }
}

TEST(Parse, LinkPadding_IsNotPayload) {
  for (Octets octets : {data4(), data6()}) {
    octets.resize(octets.size() + 9, 0xee);
    Parsed parsed(octets);
    ASSERT_EQ(parsed->kind, FrameKind::Tcp) << name_of(parsed->reason);
    EXPECT_EQ(parsed->tcp.payload_length, 5U);
  }
}

TEST(Parse, PriorityTag_IsSkipped) {
  Octets octets = data4();
  const Octets tag = hex("8100a000");
  octets.insert(octets.begin() + 12, tag.begin(), tag.end());
  EXPECT_EQ(Parsed(octets)->kind, FrameKind::Tcp);
}

TEST(Parse, EcnBitsAndUrgentPointerAreRead) {
  Octets four = data4();
  four[15] = 0x03;
  four[47] |= 0x20;
  put(four, 52, 3);
  Parsed parsed4(fix(four));
  EXPECT_EQ(parsed4->tcp.ecn, 3);
  EXPECT_TRUE(parsed4->tcp.flags.urg());
  EXPECT_EQ(parsed4->tcp.urgent_pointer, 3);
  Octets six = data6();
  six[15] = 0x20;
  EXPECT_EQ(Parsed(six)->tcp.ecn, 2);
}

TEST(Parse, Ipv4OptionsOtherThanSourceRoutes_AreSkipped) {
  Octets octets = data4();
  const Octets options = hex("07 07 04 00000000 01");  // record route, no-operation
  octets.insert(octets.begin() + 34, options.begin(), options.end());
  octets[14] = 0x47;
  Parsed parsed(fix(fix_length(octets)));
  ASSERT_EQ(parsed->kind, FrameKind::Tcp) << name_of(parsed->reason);
  EXPECT_EQ(parsed->tcp.payload_length, 5U);
}

TEST(Parse, Ipv6ExtensionHeadersThatAskNothing_AreSkipped) {
  Octets octets = data6();
  // Hop-by-hop with a router alert (action 00) and PadN; destination options with PadN; routing, none left.
  const Octets headers = hex("3c00050200000100 2b000104 00000000 0600000000000000");
  octets[20] = 0;
  octets.insert(octets.begin() + 54, headers.begin(), headers.end());
  Parsed parsed(fix(fix_length(octets), 78, 6));
  ASSERT_EQ(parsed->kind, FrameKind::Tcp) << name_of(parsed->reason);
  EXPECT_EQ(parsed->tcp.payload_length, 5U);
}

TEST(Parse, EchoRequests) {
  Parsed four(echo4());
  ASSERT_EQ(four->kind, FrameKind::Icmp4) << name_of(four->reason);
  EXPECT_EQ(four->message.size(), 15U);
  Parsed six(echo6());
  ASSERT_EQ(six->kind, FrameKind::Icmp6) << name_of(six->reason);
  EXPECT_EQ(six->message[0], 128);
}

TEST(Parse, SolicitedNodeGroup_IsAccepted) {
  Parsed parsed(solicitation());
  ASSERT_EQ(parsed->kind, FrameKind::Icmp6) << name_of(parsed->reason);
  EXPECT_TRUE(parsed->to_group);
  EXPECT_EQ(parsed->hop_limit, 255);
}

TEST(Parse, ArpBroadcastWithPadding) {
  Octets octets = arp_request();
  octets.resize(60);
  Parsed parsed(octets);
  ASSERT_EQ(parsed->kind, FrameKind::Arp);
  EXPECT_TRUE(parsed->to_group);
  EXPECT_EQ(parsed->message.size(), 28U);
}

TEST(Parse, ChecksumKnownGood_IsNotVerifiedAgain) {
  Octets octets = data4();
  put(octets, 50, 0);
  EXPECT_EQ(Parsed(octets, 1500, RxChecksum::Good)->kind, FrameKind::Tcp);
  EXPECT_EQ(Parsed(octets, 1500, RxChecksum::Unknown)->reason, DropReason::TcpChecksumBad);
  EXPECT_EQ(Parsed(data4(), 1500, RxChecksum::Bad)->kind, FrameKind::Tcp);
}

TEST(Parse, FrameObjectUsedAgain_KeepsNothing) {
  Parsed parsed(syn4());
  Octets octets = data4();
  octets.erase(octets.begin() + 54, octets.begin() + 66);  // no options
  octets[46] = 0x50;
  fix(fix_length(octets));
  BorrowedPool pool;
  Packet packet(&pool, octets.data(), octets.data(), static_cast<uint32_t>(octets.size()),
                static_cast<uint32_t>(octets.size()));
  parse_frame(packet, {.mac = kOurMac}, parsed.frame);
  ASSERT_EQ(parsed->kind, FrameKind::Tcp);
  EXPECT_EQ(parsed->tcp.options, TcpOptions());
}

TEST(Parse, EveryTruncation_IsDroppedOrStillWhole) {
  for (const Octets& octets : all_frames())
    for (size_t length = 0; length < octets.size(); ++length)
      EXPECT_EQ(Parsed(std::span(octets).first(length))->kind, FrameKind::Dropped) << length;
}

TEST(ParseQuote, IsOurSegmentSeenFromUs) {
  const Octets four = data4();
  QuotedSegment quoted;
  ASSERT_TRUE(parse_icmp_quote(std::span(four).subspan(14, 28), Family::V4, quoted));
  EXPECT_EQ(quoted.flow.local, (Endpoint{kPeer4, 49152}));
  EXPECT_EQ(quoted.flow.remote, (Endpoint{kOur4, 80}));
  EXPECT_EQ(quoted.seq, Seq(0x11223345));
  const Octets six = data6();
  ASSERT_TRUE(parse_icmp_quote(std::span(six).subspan(14, 48), Family::V6, quoted));
  EXPECT_EQ(quoted.flow.local, (Endpoint{kPeer6, 49152}));
}

TEST(ParseQuote, ShortForeignOrFragmented_IsRefused) {
  QuotedSegment quoted;
  const Octets four = data4();
  for (size_t length = 0; length < 28; ++length) {
    const Octets exact(four.begin() + 14, four.begin() + 14 + static_cast<ptrdiff_t>(length));
    EXPECT_FALSE(parse_icmp_quote(exact, Family::V4, quoted)) << length;
  }
  const Octets six = data6();
  for (size_t length = 0; length < 48; ++length) {
    const Octets exact(six.begin() + 14, six.begin() + 14 + static_cast<ptrdiff_t>(length));
    EXPECT_FALSE(parse_icmp_quote(exact, Family::V6, quoted)) << length;
  }
  Octets udp(four.begin() + 14, four.end());
  udp[9] = 17;
  EXPECT_FALSE(parse_icmp_quote(udp, Family::V4, quoted));
  Octets fragment(four.begin() + 14, four.end());
  fragment[7] = 1;
  EXPECT_FALSE(parse_icmp_quote(fragment, Family::V4, quoted));
}

}  // namespace
}  // namespace millrace::wire::test
