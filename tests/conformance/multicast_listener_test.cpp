// Multicast listener discovery: RFC 3810 as a host, and RFC 2710 where a querier is of version 1.
#include "link_scene.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

namespace millrace::conformance {
namespace {

constexpr uint8_t kReport1 = 131, kDone = 132, kReport2 = 143;
constexpr size_t kMessageAt = 14 + 40 + 8;  // behind Ethernet, IPv6 and the hop-by-hop options

struct Record {
  uint8_t type;
  IpAddress group;
  friend bool operator==(const Record&, const Record&) = default;
};

class MulticastListenerDiscovery : public LinkScene {
 protected:
  MulticastListenerDiscovery() { params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 0; }

  static bool is_report(const Heard& one) {
    return one.frame.kind == wire::FrameKind::Icmp6 &&
           (one.frame.message[0] == kReport1 || one.frame.message[0] == kDone || one.frame.message[0] == kReport2);
  }
  std::vector<Heard> take_reports() { return take(is_report); }
  // Of a report of version 2 that is as RFC 3810 §5.2 has it.
  static std::vector<Record> records_of(const Heard& one) {
    const auto message = one.frame.message;
    EXPECT_EQ(message[0], kReport2);
    EXPECT_EQ(one.frame.destination, ip("ff02::16"));
    EXPECT_EQ(one.to(), MacAddress({0x33, 0x33, 0, 0, 0, 0x16}));
    EXPECT_EQ(one.frame.hop_limit, 1);
    EXPECT_TRUE(one.frame.router_alert);
    std::vector<Record> out;
    const size_t count = wire::get16(message.data() + 6);
    EXPECT_EQ(message.size(), 8 + 20 * count);
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* record = message.data() + 8 + 20 * i;
      EXPECT_EQ(wire::get16(record + 2), 0) << "of no source";
      out.push_back({record[0], IpAddress::from_v6_wire(record + 4)});
    }
    return out;
  }
  struct Query {
    uint16_t max_response = 1000;
    IpAddress group = {};
    IpAddress source = ip("fe80::1");
    uint8_t hop_limit = 1;
    bool router_alert = true;
    size_t length = 28;
    IpAddress destination = wire::all_nodes_group();
  };
  Octets frame_of(const Query& query) {
    std::array<uint8_t, 28> message{130};
    wire::put16(message.data() + 4, query.max_response);
    std::memcpy(message.data() + 8, query.group.v6_wire(), 16);
    Octets frame(kMessageAt);
    const MacAddress to = wire::group_mac(query.destination), from = station(1);
    std::copy(to.octets().begin(), to.octets().end(), frame.begin());
    std::copy(from.octets().begin(), from.octets().end(), frame.begin() + 6);
    frame[12] = 0x86, frame[13] = 0xdd, frame[14] = 0x60;
    wire::put16(frame.data() + 18, static_cast<uint16_t>(8 + query.length));
    frame[21] = query.hop_limit;
    std::memcpy(frame.data() + 22, query.source.v6_wire(), 16);
    std::memcpy(frame.data() + 38, query.destination.v6_wire(), 16);
    const uint8_t alert[8] = {58, 0, 5, 2, 0, 0, 1, 0}, padding[8] = {58, 0, 1, 4, 0, 0, 0, 0};
    std::memcpy(frame.data() + 54, query.router_alert ? alert : padding, 8);
    const wire::Sum sum = wire::pseudo_header_sum(frame.data() + 22, 32, 58, static_cast<uint32_t>(query.length)) +
                          wire::sum_of(message.data(), query.length);
    wire::put16(message.data() + 2, sum.checksum());
    frame.insert(frame.end(), message.begin(), message.begin() + static_cast<ptrdiff_t>(query.length));
    return frame;
  }
  // Started, and what is said at the start is over.
  void settle() {
    start();
    advance(10s);
    take();
  }

  const IpAddress group6 = wire::solicited_node_group(our6);
  const IpAddress group_link_local = wire::solicited_node_group(our_link_local);
};

// RFC 3810 §6.1, §5.2; RFC 4861 §7.2.1.
TEST_F(MulticastListenerDiscovery, Start_ReportsEveryGroupTwice) {
  params.interface.addresses.push_back({ip("2001:db8:1::52"), 64});  // of the same group
  start();
  auto reports = take_reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].frame.source, our_link_local);
  const std::vector<Record> joined = {{4, group_link_local}, {4, group6}};
  EXPECT_EQ(records_of(reports[0]), joined);
  const Instant first = reports[0].at;
  advance(10s);
  reports = take_reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(records_of(reports[0]), joined);
  EXPECT_LE(reports[0].at - first, 1s + 1us) << "RFC 3810 §9.11";
  EXPECT_EQ(counters().mld_reports_sent.value(), 2U);
}

// RFC 4862 §5.4.2, RFC 3590 §4.
TEST_F(MulticastListenerDiscovery, WhileTentative_IsReportedFromTheUnspecifiedAddressBeforeItIsAskedFor) {
  params.neighbor.dup_addr_detect_transmits = 1;
  start();
  advance(500ms);
  const auto frames = take([](const Heard& one) { return is_report(one) || one.is_probe(); });
  ASSERT_GE(frames.size(), 3U);
  ASSERT_TRUE(is_report(frames[0]));
  EXPECT_TRUE(frames[0].frame.source.is_unspecified());
  EXPECT_EQ(records_of(frames[0]).size(), 2U);
  advance(1s);
  const auto later = take_reports();
  ASSERT_FALSE(later.empty());
  EXPECT_EQ(later.back().frame.source, our_link_local) << "told again, for the first may have been thrown away";
  EXPECT_EQ(records_of(later.back()).size(), 2U);
}

// RFC 3810 §6.1: the group of an address that turns out to be another's is left.
TEST_F(MulticastListenerDiscovery, AddressIsADuplicate_ItsGroupIsLeft) {
  params.neighbor.dup_addr_detect_transmits = 1;
  start();
  advance(500ms);
  take();
  receive(nd(station(9), our6, wire::all_nodes_group(), {.override_ = true, .target = our6, .mac = station(9)}));
  const auto reports = take_reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(records_of(reports[0]), (std::vector<Record>{{4, group_link_local}, {3, group6}}));
  advance(10s);
  take();
  receive(frame_of({.max_response = 0}));
  advance(1s);
  const auto answer = take_reports();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(records_of(answer[0]), (std::vector<Record>{{2, group_link_local}}));
}

// RFC 3810 §6.2.
TEST_F(MulticastListenerDiscovery, Query_IsAnsweredWithinItsDelay) {
  settle();
  std::vector<Micros> waits;
  for (int i = 0; i < 20; ++i) {
    const Instant asked = now;
    receive(frame_of({.max_response = 4000}));
    advance(5s);
    const auto reports = take_reports();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(records_of(reports[0]), (std::vector<Record>{{2, group_link_local}, {2, group6}}));
    waits.push_back(reports[0].at - asked);
    EXPECT_LT(waits.back(), 4s);
  }
  EXPECT_GT(*std::max_element(waits.begin(), waits.end()) - *std::min_element(waits.begin(), waits.end()), 1s)
      << "drawn at random";
  EXPECT_EQ(counters().mld_queries_received.value(), 20U);
}

// RFC 3810 §5.1.3: from 32768 on the code is a floating-point number.
TEST_F(MulticastListenerDiscovery, QueryWithALongDelay_MayTakeSoLong) {
  settle();
  Micros longest{};
  for (int i = 0; i < 10; ++i) {
    const Instant asked = now;
    receive(frame_of({.max_response = 0xa000}));  // 0x1000 << 5 ms
    advance(200s);
    const auto reports = take_reports();
    ASSERT_EQ(reports.size(), 1U);
    longest = std::max(longest, reports[0].at - asked);
  }
  EXPECT_GT(longest, 33s);
  EXPECT_LT(longest, 132s);
}

TEST_F(MulticastListenerDiscovery, QueryForOneGroup_IsAnsweredIfItIsOurs) {
  settle();
  receive(frame_of({.group = group6, .destination = group6}));
  advance(2s);
  EXPECT_EQ(take_reports().size(), 1U);
  receive(frame_of({.group = ip("ff02::1:ff99:9999")}));
  advance(2s);
  EXPECT_TRUE(take_reports().empty());
}

// RFC 3810 §5.1.14, §6.2.
TEST_F(MulticastListenerDiscovery, QueryThatIsNotValid_IsNotAnswered) {
  settle();
  for (const Query& query : std::initializer_list<Query>{{.source = ip("2001:db8::1")},
                                                         {.source = IpAddress()},
                                                         {.hop_limit = 2},
                                                         {.hop_limit = 255},
                                                         {.router_alert = false},
                                                         {.length = 8},
                                                         {.length = 23},
                                                         {.length = 26},
                                                         {.group = ip("2001:db8::2")},
                                                         {.group = ip("::ffff:10.0.0.2")}}) {
    receive(frame_of(query));
    advance(15s);
    EXPECT_TRUE(take_reports().empty());
  }
  EXPECT_EQ(counters().mld_queries_received.value(), 0U);
  EXPECT_EQ(counters().dropped(DropReason::IcmpUnwanted), 10U);
}

TEST_F(MulticastListenerDiscovery, FloodOfQueries_IsAnsweredTenTimesASecondAtMost) {
  settle();
  for (int i = 0; i < 2000; ++i) {
    receive(frame_of({.max_response = 0}));
    advance(1ms);
  }
  EXPECT_LE(take_reports().size(), 21U);
}

// RFC 3810 §8.2.1, RFC 2710 §4 and §5.
TEST_F(MulticastListenerDiscovery, QuerierOfVersion1_IsAnsweredInItsLanguageForAWhile) {
  settle();
  receive(frame_of({.length = 24}));
  advance(2s);
  auto reports = take_reports();
  ASSERT_EQ(reports.size(), 2U);
  for (const Heard& report : reports) {
    EXPECT_EQ(report.frame.message[0], kReport1);
    EXPECT_EQ(report.frame.message.size(), 24U);
    EXPECT_EQ(report.frame.hop_limit, 1);
    EXPECT_TRUE(report.frame.router_alert);
    EXPECT_EQ(report.frame.destination, IpAddress::from_v6_wire(report.frame.message.data() + 8));
  }
  EXPECT_EQ(reports[0].frame.destination, group_link_local);
  receive(frame_of({}));  // a querier of version 2 does not end it
  advance(2s);
  EXPECT_EQ(take_reports().size(), 2U);
  advance(260s);
  receive(frame_of({}));
  advance(2s);
  reports = take_reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(records_of(reports[0]).size(), 2U);
}

TEST_F(MulticastListenerDiscovery, ManyGroups_AreReportedInPacketsThatEveryLinkCarries) {
  params.interface.addresses.clear();
  for (uint8_t i = 1; i <= 200; ++i) {
    std::array<uint8_t, 16> octets = our6.octets();
    octets[15] = i;
    params.interface.addresses.push_back({IpAddress::v6(octets), 64});
  }
  start();
  const auto reports = take_reports();
  size_t told = 0;
  for (const Heard& report : reports) {
    told += records_of(report).size();
    EXPECT_LE(report.octets.size(), 14U + 1280U);
  }
  EXPECT_EQ(told, 200U) << "one group has two addresses, the link-local one among them";
  advance(1s);
}

TEST_F(MulticastListenerDiscovery, LinkComesUpAgain_EverythingIsReportedAnew) {
  settle();
  shard->link_changed(true, now);
  run();
  const auto reports = take_reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(records_of(reports[0]), (std::vector<Record>{{4, group_link_local}, {4, group6}}));
}

TEST_F(MulticastListenerDiscovery, SwitchedOff_SaysNothing) {
  params.neighbor.multicast_reports = false;
  start();
  receive(frame_of({.max_response = 0}));
  advance(10s);
  EXPECT_TRUE(take_reports().empty());
}

TEST_F(MulticastListenerDiscovery, WithoutIpv6_SaysNothing) {
  params.interface.addresses = {{our4, 24}};
  start();
  advance(10s);
  EXPECT_TRUE(take_reports().empty());
}

}  // namespace
}  // namespace millrace::conformance
