// What build_segment writes, octet by octet, and that the parser reads back what was written.
#include "wire/build.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/entropy.h"
#include "frames.h"
#include "wire/arp_nd.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

namespace millrace::wire::test {
namespace {

constexpr LinkHeader kToPeer{.destination = kPeerMac, .source = kOurMac};

struct Built {
  Built(const Segment& segment, Checksum checksum, std::string_view payload = "") {
    const uint32_t headers =
        tcp_headers_length(segment.flow.local.address.family(), segment.options, segment.flags.syn());
    std::memset(packet.data(), 0xdb, packet.capacity());
    std::copy(payload.begin(), payload.end(), packet.data() + headers);
    build_segment(packet, kToPeer, segment, checksum);
  }
  Octets octets() const { return {packet.data(), packet.data() + packet.length()}; }

  HeapPool pool{1, 2048};
  Packet packet = pool.allocate();
};

Segment segment_of(Family family, Flags flags) {
  Segment segment;
  segment.flow.local = {family == Family::V4 ? kOur4 : kOur6, 80};
  segment.flow.remote = {family == Family::V4 ? kPeer4 : kPeer6, 49152};
  segment.seq = Seq(0x55667788);
  segment.ack = Seq(0x11223345);
  segment.flags = flags;
  segment.window = WireWindow(0xfaf0);
  return segment;
}

Octets options_of(const Segment& segment) {
  const Octets octets = Built(segment, Checksum::Software).octets();
  return {octets.begin() + 54, octets.end()};
}

TEST(Build, SynAckOverIpv4_OctetByOctet) {
  Segment segment = segment_of(Family::V4, kSyn | kAck);
  segment.options.mss = Mss(1460);
  segment.options.sack_permitted = true;
  segment.options.timestamps = Timestamps{0x0a0b0c0d, 0x01020304};
  segment.options.window_scale = WindowScale(7);
  Octets expected =
      hex("020000000001 020000000002 0800"
          "4500003c 00004000 4006 0000 0a000002 0a000001"
          "0050c000 55667788 11223345 a012 faf0 0000 0000"
          "020405b4 0402080a 0a0b0c0d 01020304 01030307");
  EXPECT_EQ(Built(segment, Checksum::Software).octets(), fix(expected));
}

TEST(Build, DataOverIpv6_OctetByOctet) {
  Segment segment = segment_of(Family::V6, kPsh | kAck);
  segment.ecn = 2;
  segment.payload_length = 5;
  segment.options.timestamps = Timestamps{10, 20};
  Octets expected =
      hex("020000000001 020000000002 86dd"
          "60200000 0025 06 40 20010db8000000000000000000000002 20010db8000000000000000000000001"
          "0050c000 55667788 11223345 8018 faf0 0000 0000"
          "0101080a 0000000a 00000014 474554202f");
  EXPECT_EQ(Built(segment, Checksum::Software, "GET /").octets(), fix(expected));
}

TEST(Build, OptionLayouts) {
  Segment syn = segment_of(Family::V4, kSyn);
  EXPECT_EQ(options_of(syn), Octets());
  syn.options.mss = Mss(536);
  EXPECT_EQ(options_of(syn), hex("02040218"));
  syn.options.window_scale = WindowScale(14);
  EXPECT_EQ(options_of(syn), hex("02040218 0103030e"));
  syn.options.sack_permitted = true;
  EXPECT_EQ(options_of(syn), hex("02040218 01010402 0103030e"));
  syn.options.sack_permitted = false;
  syn.options.timestamps = Timestamps{1, 0};
  EXPECT_EQ(options_of(syn), hex("02040218 0101080a0000000100000000 0103030e"));

  Segment ack = segment_of(Family::V4, kAck);
  ack.options = syn.options;  // MSS and window scale belong to SYNs alone
  EXPECT_EQ(options_of(ack), hex("0101080a0000000100000000"));
  ack.options.sack_count = 4;
  for (uint32_t i = 0; i < 4; ++i) ack.options.sack[i] = {Seq(16 * i), Seq(16 * i + 8)};
  EXPECT_EQ(options_of(ack), hex("0101080a0000000100000000 0101051a"
                                 "0000000000000008 0000001000000018 0000002000000028"));
  ack.options.timestamps.reset();
  EXPECT_EQ(options_of(ack), hex("01010522 0000000000000008 0000001000000018"
                                 "0000002000000028 0000003000000038"));
}

TEST(Build, Offload_LeavesThePseudoHeaderAndSaysSo) {
  for (const Family family : {Family::V4, Family::V6}) {
    Segment segment = segment_of(family, kAck);
    Built built(segment, Checksum::Offload);
    EXPECT_TRUE(built.packet.tx_l4_checksum);
    const size_t field = family == Family::V4 ? 50 : 70;
    // 2 * 0a00 + 3 + 6 + 20; twice 2001 + 0db8, 3, 6, 20
    const uint16_t expected = family == Family::V4 ? 0x141d : 0x5b8f;
    EXPECT_EQ(built.packet.data()[field] << 8 | built.packet.data()[field + 1], expected);
  }
}

TEST(Build, SoftwareAndWaived_AskNothingOfTheDevice) {
  const Segment segment = segment_of(Family::V4, kAck);
  for (const Checksum checksum : {Checksum::Software, Checksum::Waived}) {
    Built built(segment, checksum);
    EXPECT_FALSE(built.packet.tx_l4_checksum);
    EXPECT_EQ(Parsed(built.octets(), 1500, RxChecksum::Good)->kind, FrameKind::Dropped) << "sent to the peer";
  }
}

Segment random_segment(SeededEntropy& entropy) {
  static constexpr int kFlagSets[] = {Flags::kSyn,
                                      Flags::kSyn | Flags::kAck,
                                      Flags::kAck,
                                      Flags::kAck | Flags::kPsh,
                                      Flags::kFin | Flags::kAck,
                                      Flags::kRst,
                                      Flags::kAck | Flags::kUrg | Flags::kEce | Flags::kCwr};
  const auto word = [&] { return static_cast<uint32_t>(entropy.next()); };
  Segment segment = segment_of(word() % 2 != 0 ? Family::V4 : Family::V6, Flags(kFlagSets[word() % 7]));
  segment.seq = Seq(word());
  segment.ack = Seq(word());
  segment.window = WireWindow(static_cast<uint16_t>(word()));
  segment.urgent_pointer = static_cast<uint16_t>(word());
  segment.ecn = word() & 3;
  if (word() % 2 != 0) segment.options.timestamps = Timestamps{word(), word()};
  if (segment.flags.syn()) {
    if (word() % 2 != 0) segment.options.mss = Mss(static_cast<uint16_t>(word()));
    if (word() % 2 != 0) segment.options.window_scale = WindowScale(static_cast<uint8_t>(word() % 15));
    segment.options.sack_permitted = word() % 2 != 0;
  } else {
    segment.options.sack_count = static_cast<uint8_t>(word() % (segment.options.timestamps ? 4 : 5));
    for (size_t i = 0; i < segment.options.sack_count; ++i)
      segment.options.sack[i] = {Seq(word()), Seq(word())};
  }
  return segment;
}

TEST(Build, RandomSegments_AreReadBack) {
  SeededEntropy entropy(3);
  for (int round = 0; round < 20000; ++round) {
    Segment segment = random_segment(entropy);
    std::string payload(entropy.next() % 100, ' ');
    for (char& c : payload) c = static_cast<char>(entropy.next());
    segment.payload_length = static_cast<uint32_t>(payload.size());
    Octets octets = Built(segment, Checksum::Software, payload).octets();
    ASSERT_EQ(octets.size(),
              tcp_headers_length(segment.flow.local.address.family(), segment.options, segment.flags.syn()) +
                  payload.size());
    std::swap_ranges(octets.begin(), octets.begin() + 6, octets.begin() + 6);  // now it is for us
    Parsed parsed(octets);
    ASSERT_EQ(parsed->kind, FrameKind::Tcp) << name_of(parsed->reason);
    const Segment& got = parsed->tcp;
    EXPECT_EQ(got.flow.remote, segment.flow.local);
    EXPECT_EQ(got.flow.local, segment.flow.remote);
    EXPECT_EQ(got.seq, segment.seq);
    EXPECT_EQ(got.ack, segment.ack);
    EXPECT_EQ(got.flags, segment.flags);
    EXPECT_EQ(got.window, segment.window);
    EXPECT_EQ(got.urgent_pointer, segment.urgent_pointer);
    EXPECT_EQ(got.ecn, segment.ecn);
    EXPECT_EQ(got.options.mss, segment.options.mss);
    EXPECT_EQ(got.options.window_scale, segment.options.window_scale);
    EXPECT_EQ(got.options.timestamps, segment.options.timestamps);
    EXPECT_EQ(got.options.sack_permitted, segment.options.sack_permitted);
    ASSERT_EQ(got.options.sack_count, segment.options.sack_count);
    for (size_t i = 0; i < got.options.sack_count; ++i)
      EXPECT_EQ(got.options.sack[i], segment.options.sack[i]);
    ASSERT_EQ(got.payload_length, payload.size());
    EXPECT_EQ(std::memcmp(got.payload, payload.data(), payload.size()), 0);
  }
}

TEST(BuildIcmp, EchoReply4_OctetByOctet) {
  HeapPool pool(1, 128);
  Packet packet = pool.allocate();
  const Octets body = hex("61626364656667");
  ASSERT_TRUE(build_icmp(packet, kToPeer, {.source = kOur4, .destination = kPeer4},
                         {.type = 0, .code = 0, .rest = 0xbeef0001, .body = body}));
  Octets expected =
      hex("020000000001 020000000002 0800"
          "45000023 00004000 4001 26d8 0a000002 0a000001"
          "0000afe1 beef0001 61626364656667");
  EXPECT_EQ(Octets(packet.data(), packet.data() + packet.length()), expected);
  Packet none = pool.allocate();
  EXPECT_FALSE(none);
}

TEST(BuildIcmp, MessageThatDoesNotFit_IsRefused) {
  HeapPool pool(1, 64);
  Packet packet = pool.allocate();
  const Octets body(23);
  EXPECT_FALSE(build_icmp(packet, kToPeer, {.source = kOur4, .destination = kPeer4}, {.body = body}));
  EXPECT_EQ(packet.length(), 0U);
  EXPECT_TRUE(build_icmp(packet, kToPeer, {.source = kOur4, .destination = kPeer4},
                         {.body = std::span(body).first(22)}));
}

TEST(BuildNd, SolicitationAndAdvertisement_OctetByOctet) {
  HeapPool pool(1, 128);
  Packet packet = pool.allocate();
  const LinkHeader from_peer{.destination = group_mac(solicited_node_group(kOur6)), .source = kPeerMac};
  ASSERT_TRUE(build_nd(packet, from_peer, kPeer6, solicited_node_group(kOur6),
                       {.solicitation = true, .target = kOur6, .mac = kPeerMac}));
  EXPECT_EQ(Octets(packet.data(), packet.data() + packet.length()), solicitation());
  ASSERT_TRUE(build_nd(packet, {.destination = kOurMac, .source = kPeerMac}, kPeer6, kOur6,
                       {.solicited = true, .override_ = true, .target = kPeer6, .mac = kPeerMac}));
  EXPECT_EQ(Octets(packet.data(), packet.data() + packet.length()), advertisement());
  const NdMessage read = *parse_nd(Parsed(advertisement()).frame);
  EXPECT_FALSE(read.solicitation);
  EXPECT_FALSE(read.router);
  EXPECT_TRUE(read.solicited);
  EXPECT_TRUE(read.override_);
  EXPECT_EQ(read.target, kPeer6);
  EXPECT_EQ(read.mac, kPeerMac);
}

TEST(BuildArp, Request_OctetByOctet) {
  HeapPool pool(1, 64);
  Packet packet = pool.allocate();
  ASSERT_TRUE(build_arp(packet, {.destination = kBroadcastMac, .source = kPeerMac},
                        {.sender_mac = kPeerMac, .sender = kPeer4, .target_mac = {}, .target = kOur4}));
  EXPECT_EQ(Octets(packet.data(), packet.data() + packet.length()), arp_request());
}

// RFC 7413 §4.1.1; with every other option of a SYN the longest cookie fills the 40 octets.
TEST(Build, FastOpenCookie_IsPaddedBehind) {
  Segment syn = segment_of(Family::V4, kSyn);
  FastOpenCookie& cookie = syn.options.fast_open.emplace();
  EXPECT_EQ(options_of(syn), hex("22020101"));
  cookie.length = 8;
  for (size_t i = 0; i < 16; ++i) cookie.octets[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(options_of(syn), hex("220a 0001020304050607 0101"));
  cookie.experimental = true;
  EXPECT_EQ(options_of(syn), hex("fe0cf989 0001020304050607"));
  cookie.length = 16;
  cookie.experimental = false;
  syn.options.mss = Mss(536);
  syn.options.sack_permitted = true;
  syn.options.timestamps = Timestamps{1, 0};
  syn.options.window_scale = WindowScale(14);
  EXPECT_EQ(options_of(syn), hex("02040218 0402080a0000000100000000 0103030e"
                                 "2212 000102030405060708090a0b0c0d0e0f 0101"));
  EXPECT_EQ(tcp_header_length(syn.options, true), 60U);
  EXPECT_EQ(tcp_header_length(syn.options, false), 32U) << "no cookie without SYN";
}

}  // namespace
}  // namespace millrace::wire::test
