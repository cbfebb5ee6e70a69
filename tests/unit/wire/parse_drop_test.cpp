// One row a way of being wrong: the frame is bent in one place, every sum around it set right again.
#include <gtest/gtest.h>

#include <functional>

#include "frames.h"
#include "wire/icmp.h"

namespace millrace::wire::test {
namespace {

struct Row {
  const char* name;
  Octets (*base)();
  std::function<void(Octets&)> bend;
  DropReason reason;
  bool refix = true;  // set lengths' and checksums' fields right afterwards
};

void insert(Octets& frame, ptrdiff_t at, std::string_view digits) {
  const Octets octets = hex(digits);
  frame.insert(frame.begin() + at, octets.begin(), octets.end());
}

// Puts an IPv6 extension header between the fixed header and TCP.
void extend(Octets& frame, uint8_t type, std::string_view digits) {
  frame[20] = type;
  insert(frame, 54, digits);
  fix_length(frame);
  fix(frame, 54 + hex(digits).size(), 6);
}

using enum DropReason;

const Row kRows[] = {
    // Ethernet
    {"AnotherStationsMac", data4, [](Octets& f) { f[5] = 9; }, NotOurMac},
    {"SourceMacOfAGroup", data4, [](Octets& f) { f[6] = 3; }, SourceMacInvalid},
    {"SourceMacZero", data4, [](Octets& f) { f[6] = f[11] = 0; }, SourceMacInvalid},
    {"OtherEtherType", data4, [](Octets& f) { put(f, 12, 0x88cc); }, UnknownEtherType, false},
    {"OtherVlan", data4, [](Octets& f) { insert(f, 12, "81000005"); }, UnknownEtherType, false},
    {"TagWithoutAType", data4, [](Octets& f) { insert(f, 12, "8100"), f.resize(16); }, FrameTooShort, false},
    {"TwoTags", data4, [](Octets& f) { insert(f, 12, "8100000081000000"); }, UnknownEtherType, false},
    // IPv4
    {"Ip4Version", data4, [](Octets& f) { f[14] = 0x55; }, Ip4HeaderMalformed},
    {"Ip4HeaderBelow20", data4, [](Octets& f) { f[14] = 0x44; }, Ip4HeaderMalformed, false},
    {"Ip4HeaderBeyondFrame", data4, [](Octets& f) { f[14] = 0x4f; }, FrameTooShort, false},
    {"Ip4TotalBelowHeader", data4, [](Octets& f) { put(f, 16, 19); }, Ip4HeaderMalformed},
    {"Ip4TotalBeyondFrame", data4, [](Octets& f) { put(f, 16, 58); }, Ip4HeaderMalformed},
    {"Ip4HeaderChecksum", data4, [](Octets& f) { f[22] ^= 1; }, Ip4ChecksumBad, false},
    {"Ip4LooseSourceRoute", data4,
     [](Octets& f) { f[14] = 0x47, insert(f, 34, "8307040a00000900"), fix_length(f); }, Ip4SourceRouted},
    {"Ip4StrictSourceRoute", data4,
     [](Octets& f) { f[14] = 0x47, insert(f, 34, "018907040a000009"), fix_length(f); }, Ip4SourceRouted},
    {"Ip4OptionLengthOne", data4, [](Octets& f) { f[14] = 0x46, insert(f, 34, "44010000"), fix_length(f); },
     Ip4HeaderMalformed},
    {"Ip4OptionBeyondHeader", data4,
     [](Octets& f) { f[14] = 0x46, insert(f, 34, "44050000"), fix_length(f); }, Ip4HeaderMalformed},
    {"Ip4OptionWithoutLength", data4,
     [](Octets& f) { f[14] = 0x46, insert(f, 34, "01010144"), fix_length(f); }, Ip4HeaderMalformed},
    {"Ip4MoreFragments", data4, [](Octets& f) { f[20] = 0x20; }, IpFragment},
    {"Ip4LastFragment", data4, [](Octets& f) { put(f, 20, 0x0001); }, IpFragment},
    {"Ip4SourceMulticast", data4, [](Octets& f) { f[26] = 224; }, IpSourceInvalid},
    {"Ip4SourceBroadcast", data4, [](Octets& f) { put(f, 26, 0xffff), put(f, 28, 0xffff); }, IpSourceInvalid},
    {"Ip4SourceLoopback", data4, [](Octets& f) { f[26] = 127; }, IpSourceInvalid},
    {"Ip4SourceUnspecified", data4, [](Octets& f) { put(f, 26, 0), put(f, 28, 0); }, IpSourceInvalid},
    {"Ip4Udp", data4, [](Octets& f) { f[23] = 17; }, IpProtocolUnknown},
    {"Ip4CarriesIcmp6", data4, [](Octets& f) { f[23] = 58; }, IpProtocolUnknown},
    // IPv6
    {"Ip6Version", data6, [](Octets& f) { f[14] = 0x40; }, Ip6HeaderMalformed},
    {"Ip6PayloadBeyondFrame", data6, [](Octets& f) { put(f, 18, 0x26); }, Ip6HeaderMalformed, false},
    {"Ip6SourceMulticast", data6, [](Octets& f) { f[22] = 0xff; }, IpSourceInvalid},
    {"Ip6SourceLoopback", data6, [](Octets& f) { put(f, 22, 0), put(f, 24, 0); }, IpSourceInvalid},
    {"Ip6SourceMapped", data6, [](Octets& f) { put(f, 22, 0), put(f, 24, 0), put(f, 32, 0xffff); },
     IpSourceInvalid},
    {"Ip6SourceUnspecified", data6, [](Octets& f) { put(f, 22, 0), put(f, 24, 0), f[37] = 0; },
     IpSourceInvalid},
    {"Ip6DestinationMapped", data6, [](Octets& f) { put(f, 38, 0), put(f, 40, 0), put(f, 48, 0xffff); },
     IpNotOurs},
    {"Ip6Fragment", data6, [](Octets& f) { extend(f, 44, "0600000100000000"); }, IpFragment, false},
    {"Ip6OptionDiscard", data6, [](Octets& f) { extend(f, 60, "0600410400000000"); }, Ip6ExtensionRejected,
     false},
    {"Ip6OptionComplain", data6, [](Octets& f) { extend(f, 60, "0600810400000000"); }, Ip6ExtensionRejected,
     false},
    {"Ip6JumboOption", data6, [](Octets& f) { extend(f, 0, "0600c20400010000"); }, Ip6ExtensionRejected,
     false},
    {"Ip6OptionBeyondHeader", data6, [](Octets& f) { extend(f, 60, "0600010500000000"); },
     Ip6ExtensionMalformed, false},
    {"Ip6OptionWithoutLength", data6, [](Octets& f) { extend(f, 60, "0600010200000001"); },
     Ip6ExtensionMalformed, false},
    {"Ip6RoutingSegmentsLeft", data6, [](Octets& f) { extend(f, 43, "0600000100000000"); },
     Ip6ExtensionRejected, false},
    {"Ip6HopByHopNotFirst", data6, [](Octets& f) { extend(f, 60, "0000010400000000 0600010400000000"); },
     Ip6ExtensionRejected, false},
    {"Ip6Authentication", data6, [](Octets& f) { extend(f, 51, "0600000000000000"); }, Ip6ExtensionRejected,
     false},
    {"Ip6ExtensionBeyondPacket", data6, [](Octets& f) { extend(f, 60, "06ff010400000000"); },
     Ip6ExtensionMalformed, false},
    {"Ip6NineExtensions", data6,
     [](Octets& f) {
       std::string digits;
       for (int i = 0; i < 8; ++i) digits += "3c00010400000000";
       extend(f, 60, digits + "0600010400000000");
     },
     Ip6ExtensionMalformed, false},
    {"Ip6NoNextHeader", data6, [](Octets& f) { f[20] = 59; }, IpProtocolUnknown, false},
    {"Ip6Udp", data6, [](Octets& f) { f[20] = 17; }, IpProtocolUnknown, false},
    {"Ip6CarriesIcmp4", data6, [](Octets& f) { f[20] = 1; }, IpProtocolUnknown, false},
    // TCP
    {"Tcp4ToMulticast", data4, [](Octets& f) { f[30] = 224; }, IpMulticastTransport},
    {"Tcp4ToBroadcast", data4, [](Octets& f) { put(f, 30, 0xffff), put(f, 32, 0xffff); },
     IpMulticastTransport},
    {"Tcp6ToMulticast", data6, [](Octets& f) { f[38] = 0xff; }, IpMulticastTransport},
    {"TcpInABroadcastFrame", data4, [](Octets& f) { std::fill_n(f.begin(), 6, uint8_t{0xff}); },
     IpMulticastTransport},
    {"TcpShorterThanItsHeader", data4, [](Octets& f) { f.resize(53), fix_length(f); }, TcpHeaderMalformed},
    {"TcpOffsetBelowFive", data4, [](Octets& f) { f[46] = 0x40; }, TcpHeaderMalformed},
    {"TcpOffsetBeyondSegment", data6, [](Octets& f) { f[66] = 0xa0; }, TcpHeaderMalformed},
    {"TcpSourcePortZero", data4, [](Octets& f) { put(f, 34, 0); }, TcpPortZero},
    {"TcpDestinationPortZero", data6, [](Octets& f) { put(f, 56, 0); }, TcpPortZero},
    {"TcpSynFin", data4, [](Octets& f) { f[47] = 0x03; }, TcpFlagsInvalid},
    {"TcpSynRst", data6, [](Octets& f) { f[67] = 0x06; }, TcpFlagsInvalid},
    {"TcpChecksum4", data4, [](Octets& f) { f.back() ^= 1; }, TcpChecksumBad, false},
    {"TcpChecksum6", data6, [](Octets& f) { f.back() ^= 1; }, TcpChecksumBad, false},
    {"TcpOptionLengthZero", data4, [](Octets& f) { f[55] = 8, f[56] = 0; }, TcpHeaderMalformed},
    {"TcpOptionLengthOne", data4, [](Octets& f) { f[55] = 9, f[56] = 1; }, TcpHeaderMalformed},
    {"TcpOptionBeyondHeader", data4, [](Octets& f) { f[57] = 11; }, TcpHeaderMalformed},
    // ICMP
    {"Icmp4Checksum", echo4, [](Octets& f) { f.back() ^= 1; }, IcmpChecksumBad, false},
    {"Icmp6Checksum", echo6, [](Octets& f) { f.back() ^= 1; }, IcmpChecksumBad, false},
    {"Icmp6ChecksumCoversAddresses", echo6, [](Octets& f) { f[37] = 7; }, IcmpChecksumBad, false},
    {"Icmp4Short", echo4, [](Octets& f) { f.resize(41), fix_length(f); }, IcmpMalformed},
    {"Icmp6Short", echo6, [](Octets& f) { f.resize(61), fix_length(f); }, IcmpMalformed},
    // Neighbour discovery: RFC 4861 §7.1.1, §7.1.2
    {"NdHopLimit", solicitation, [](Octets& f) { f[21] = 254; }, NdMalformed},
    {"NdCode", solicitation, [](Octets& f) { f[55] = 1; }, NdMalformed},
    {"NdShort", solicitation, [](Octets& f) { f.resize(54 + 23), fix_length(f); }, NdMalformed},
    {"NdOptionLengthZero", solicitation, [](Octets& f) { f[79] = 0; }, NdMalformed},
    {"NdOptionBeyondMessage", solicitation, [](Octets& f) { f[79] = 2; }, NdMalformed},
    {"NdTargetMulticast", solicitation, [](Octets& f) { f[62] = 0xff; }, NdMalformed},
    {"NdTargetMapped", solicitation, [](Octets& f) { put(f, 62, 0), put(f, 64, 0), put(f, 72, 0xffff); },
     NdMalformed},
    {"NdGroupAsLinkAddress", solicitation, [](Octets& f) { f[80] = 0x33; }, NdMalformed},
    {"NdProbeWithLinkAddress", solicitation, [](Octets& f) { put(f, 22, 0), put(f, 24, 0), f[37] = 0; },
     NdMalformed},
    {"NdProbeToUnicast", solicitation,
     [](Octets& f) {
       put(f, 22, 0), put(f, 24, 0), f[37] = 0;
       const Octets ours = hex("20010db8000000000000000000000002");
       std::copy(ours.begin(), ours.end(), f.begin() + 38);
       f.resize(f.size() - 8);
       fix_length(f);
     },
     NdMalformed},
    {"NdSolicitedToAGroup", advertisement,
     [](Octets& f) {
       const Octets all = hex("ff020000000000000000000000000001");
       std::copy(all.begin(), all.end(), f.begin() + 38);
     },
     NdMalformed},
    {"NdAdvertFromUnspecified", advertisement, [](Octets& f) { put(f, 22, 0), put(f, 24, 0), f[37] = 0; },
     NdMalformed},
    // ARP
    {"ArpHardware", arp_request, [](Octets& f) { f[15] = 6; }, ArpMalformed, false},
    {"ArpProtocol", arp_request, [](Octets& f) { f[16] = 0x86; }, ArpMalformed, false},
    {"ArpLengths", arp_request, [](Octets& f) { f[18] = 8; }, ArpMalformed, false},
    {"ArpSenderIsAGroup", arp_request, [](Octets& f) { f[22] = 0xff; }, ArpMalformed, false},
    {"ArpSenderLoopback", arp_request, [](Octets& f) { f[28] = 127; }, ArpMalformed, false},
    {"ArpShort", arp_request, [](Octets& f) { f.pop_back(); }, FrameTooShort, false},
};

class ParseDrop : public testing::TestWithParam<Row> {};

TEST_P(ParseDrop, IsDroppedForItsReason) {
  const Row& row = GetParam();
  ASSERT_NE(Parsed(row.base())->kind, FrameKind::Dropped) << "the frame before it was bent";
  Octets frame = row.base();
  row.bend(frame);
  if (row.refix) fix(frame);
  Parsed parsed(frame);
  EXPECT_EQ(parsed->kind, FrameKind::Dropped);
  EXPECT_EQ(name_of(parsed->reason), name_of(row.reason));
}

INSTANTIATE_TEST_SUITE_P(Rows, ParseDrop, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(ParseMtu, PacketOfTheMtu_IsTaken_OneMoreOctetIsNot) {
  for (const Octets& octets : {data4(), data6()}) {
    const auto length = static_cast<uint16_t>(octets.size() - 14);
    EXPECT_EQ(Parsed(octets, length)->kind, FrameKind::Tcp);
    EXPECT_EQ(Parsed(octets, static_cast<uint16_t>(length - 1))->reason, DropReason::FrameTooLong);
  }
}

TEST(ParseMtu, SuperframeCutByTheLink_IsTooLong) {
  Octets four = data4();
  put(four, 16, 9000);
  fix(four);
  EXPECT_EQ(Parsed(four)->reason, DropReason::FrameTooLong);
  Octets six = data6();
  put(six, 18, 9000);
  EXPECT_EQ(Parsed(six)->reason, DropReason::FrameTooLong);
}

TEST(ParseChecksum, UnfinishedByThePeersOffload_IsToldApart) {
  // What Linux leaves for the device: the folded pseudo-header, not complemented.
  Octets four = data4();
  put(four, 50, 0x142e);  // 0a00+0001+0a00+0002 + 6 + 37
  Parsed parsed4(four);
  EXPECT_EQ(parsed4->reason, DropReason::TcpChecksumBad);
  EXPECT_TRUE(parsed4->checksum_unfinished);
  Octets six = data6();
  put(six, 70, 0x5ba0);  // twice 2001+0db8, 1, 2, 6, 37
  Parsed parsed6(six);
  EXPECT_EQ(parsed6->reason, DropReason::TcpChecksumBad);
  EXPECT_TRUE(parsed6->checksum_unfinished);
  Octets damaged = data4();
  damaged.back() ^= 1;
  EXPECT_FALSE(Parsed(damaged)->checksum_unfinished);
}

struct Answer {
  const char* name;
  Octets (*base)();
  std::function<void(Octets&)> bend;
  uint8_t type, code;
  uint16_t pointer;
};

// The ICMP errors of RFC 1122 §3.2.2.1, RFC 8200 §4 and RFC 4443 §3.4; type 0: silence.
TEST(ParseDropAnswer, IsWhatTheRfcsWant) {
  const Answer answers[] = {
      {"Ip4Protocol", data4, [](Octets& f) { f[23] = 17, fix(f); }, 3, 2, 0},
      {"Ip6Protocol", data6, [](Octets& f) { f[20] = 17; }, 4, 1, 6},
      {"Ip6ProtocolBehindExtension", data6, [](Octets& f) { extend(f, 60, "1100010400000000"); }, 4, 1, 40},
      {"Ip6NoNextHeader", data6, [](Octets& f) { f[20] = 59; }, 0, 0, 0},
      {"Ip6OptionDiscard", data6, [](Octets& f) { extend(f, 60, "0600410400000000"); }, 0, 0, 0},
      {"Ip6OptionComplain", data6, [](Octets& f) { extend(f, 60, "0600010081020000"); }, 4, 2, 44},
      {"Ip6OptionComplainUnicast", data6, [](Octets& f) { extend(f, 0, "0600c20400010000"); }, 4, 2, 42},
      {"Ip6Routing", data6, [](Octets& f) { extend(f, 43, "0600000100000000"); }, 4, 0, 42},
      {"Ip6HopByHopLater", data6, [](Octets& f) { extend(f, 60, "0000010400000000 0600010400000000"); }, 4, 1,
       40},
      {"TcpChecksum", data4, [](Octets& f) { f.back() ^= 1; }, 0, 0, 0},
  };
  for (const Answer& answer : answers) {
    Octets frame = answer.base();
    answer.bend(frame);
    Parsed parsed(frame);
    EXPECT_EQ(parsed->kind, FrameKind::Dropped) << answer.name;
    EXPECT_EQ(parsed->error_type, answer.type) << answer.name;
    if (answer.type == 0) continue;
    EXPECT_EQ(parsed->error_code, answer.code) << answer.name;
    EXPECT_EQ(parsed->error_pointer, answer.pointer) << answer.name;
  }
}

}  // namespace
}  // namespace millrace::wire::test
