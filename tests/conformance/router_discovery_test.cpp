// Router discovery as a host: RFC 4861 §6.1 and §6.3, RFC 4191.
#include "link_scene.h"
#include "wire/bytes.h"

namespace millrace::conformance {
namespace {

class RouterDiscovery : public LinkScene {
 protected:
  RouterDiscovery() {
    params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 0;
    params.neighbor.multicast_reports = false;
  }

  struct Advert {
    IpAddress router = ip("fe80::1");
    MacAddress mac = station(1);
    uint16_t lifetime = 1800;
    uint8_t preference = 0;  // RFC 4191 §2.1: 1 high, 0 medium, 3 low
    uint32_t reachable_ms = 0;
    uint32_t retransmit_ms = 0;
    Octets options = {};
    bool tells_mac = true;
    uint8_t hop_limit = 255;
    IpAddress destination = wire::all_nodes_group();
  };
  Octets frame_of(const Advert& advert) {
    Octets body(8);
    wire::put32(body.data(), advert.reachable_ms);
    wire::put32(body.data() + 4, advert.retransmit_ms);
    if (advert.tells_mac) {
      body.insert(body.end(), {1, 1});
      body.insert(body.end(), advert.mac.octets().begin(), advert.mac.octets().end());
    }
    body.insert(body.end(), advert.options.begin(), advert.options.end());
    const uint32_t rest = 64U << 24 | uint32_t{advert.preference} << 19 | advert.lifetime;
    return icmp6(advert.mac, advert.router, advert.destination, 134, rest, body, advert.hop_limit);
  }
  static Octets mtu(uint32_t value) {
    Octets option{5, 1, 0, 0, 0, 0, 0, 0};
    wire::put32(option.data() + 4, value);
    return option;
  }
  static Octets prefix(const char* text, uint32_t valid, uint8_t flags = 0x80) {
    const Prefix given = *Prefix::parse(text);
    Octets option(32);
    option[0] = 3, option[1] = 4, option[2] = given.length, option[3] = flags;
    wire::put32(option.data() + 4, valid);
    wire::put32(option.data() + 8, valid);
    std::copy(given.address.octets().begin(), given.address.octets().end(), option.begin() + 16);
    return option;
  }
  bool is_solicitation(const Heard& one) const {
    return one.frame.kind == wire::FrameKind::Icmp6 && one.frame.message[0] == 133;
  }
  std::vector<Heard> take_solicitations() {
    return take([&](const Heard& one) { return is_solicitation(one); });
  }
  // To which station a SYN to `destination` goes; none: nowhere. A neighbour that has to be asked for is `asked`.
  std::optional<MacAddress> way_to(const char* destination) {
    take();
    app::ConnectOptions options;
    options.remote = {ip(destination), 7};
    app::OpenResult opened = shard->connect(options, handler);
    asked = IpAddress();
    if (opened.connection == nullptr) return std::nullopt;
    run();
    std::optional<MacAddress> way;
    for (const Heard& one : take()) {
      if (one.frame.kind == wire::FrameKind::Tcp) way = one.to();
      if (const auto message = one.nd(); message && message->solicitation) asked = message->target;
    }
    opened.connection->abort();
    run();
    take();
    return way;
  }
  std::vector<ip::RouteRow> learnt() const {
    std::vector<ip::RouteRow> rows = shard->routes();
    std::erase_if(rows, [](const ip::RouteRow& row) { return !row.learnt; });
    return rows;
  }

  static constexpr const char* kFar = "2001:db8:ffff::1";
  IpAddress asked;
};

// RFC 4861 §6.3.7.
TEST_F(RouterDiscovery, NobodySpeaks_IsAskedForThreeTimes) {
  start();
  const Instant began = now;
  advance(60s);
  const auto asked_for = take_solicitations();
  ASSERT_EQ(asked_for.size(), 3U);
  EXPECT_LE(asked_for[0].at - began, 1s);
  EXPECT_EQ(asked_for[1].at - asked_for[0].at, 4s);
  EXPECT_EQ(asked_for[2].at - asked_for[1].at, 4s);
  for (const Heard& one : asked_for) {
    EXPECT_EQ(one.frame.source, our_link_local);
    EXPECT_EQ(one.frame.destination, ip("ff02::2"));
    EXPECT_EQ(one.to(), MacAddress({0x33, 0x33, 0, 0, 0, 2}));
    EXPECT_EQ(one.frame.hop_limit, 255);
    EXPECT_EQ(Octets(one.frame.message.begin() + 8, one.frame.message.end()), (Octets{1, 1, 2, 0, 0, 0, 0, 2}));
  }
}

// RFC 4861 §6.3.7, RFC 4862 §5.4: not from an address that is not ours yet.
TEST_F(RouterDiscovery, WhileTentative_NobodyIsAsked) {
  params.neighbor.dup_addr_detect_transmits = 4;
  start();
  advance(4s);
  EXPECT_TRUE(take_solicitations().empty());
  advance(1s);
  EXPECT_EQ(take_solicitations().size(), 1U);
}

TEST_F(RouterDiscovery, RouterSpeaks_IsNotAskedAgain) {
  start();
  advance(1s);
  EXPECT_EQ(take_solicitations().size(), 1U);
  receive(frame_of({}));
  advance(60s);
  EXPECT_TRUE(take_solicitations().empty());
  shard->link_changed(true, now);
  advance(1s);
  EXPECT_EQ(take_solicitations().size(), 1U) << "the link is another, perhaps";
}

// RFC 4861 §6.3.4, §5.2.
TEST_F(RouterDiscovery, DefaultRouter_LeadsWhereNoRouteDoes) {
  start();
  EXPECT_EQ(way_to(kFar), std::nullopt);
  receive(frame_of({}));
  EXPECT_EQ(way_to(kFar), station(1));
  const auto rows = learnt();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].gateway, ip("fe80::1"));
  EXPECT_EQ(rows[0].destination.length, 0);
  EXPECT_STREQ(rows[0].state, "in_use");
  EXPECT_STREQ(rows[0].preference, "medium");
  EXPECT_EQ(rows[0].lifetime, 1800s);
  EXPECT_EQ(counters().router_advertisements_received.value(), 1U);
}

// RFC 4861 §6.3.4: an advertisement without a link-layer address; the router is asked.
TEST_F(RouterDiscovery, RouterOfUnknownMac_IsResolved) {
  start();
  receive(frame_of({.tells_mac = false}));
  EXPECT_EQ(way_to(kFar), std::nullopt);
  EXPECT_EQ(asked, ip("fe80::1"));
}

// RFC 4861 §6.3.5.
TEST_F(RouterDiscovery, LifetimeEnds_TheRouterIsNoLongerUsed) {
  start();
  receive(frame_of({.lifetime = 10}));
  advance(9s);
  receive(frame_of({.lifetime = 10}));  // renewed
  advance(9s);
  EXPECT_EQ(way_to(kFar), station(1));
  advance(2s);
  EXPECT_EQ(way_to(kFar), std::nullopt);
  EXPECT_TRUE(learnt().empty());
}

// RFC 4861 §6.3.4.
TEST_F(RouterDiscovery, LifetimeOfZero_EndsItAtOnce) {
  start();
  receive(frame_of({}));
  receive(frame_of({.lifetime = 0}));
  EXPECT_EQ(way_to(kFar), std::nullopt);
  EXPECT_TRUE(learnt().empty());
}

// What an operator has configured is not for routers to change.
TEST_F(RouterDiscovery, StaticRoutes_AlwaysWin) {
  params.interface.routes = {{*Prefix::parse("::/0"), ip("fe80::fe")}};
  start();
  receive(frame_of({.options = prefix("2001:db8:ffff::/64", 3600)}));
  EXPECT_EQ(way_to(kFar), std::nullopt);
  EXPECT_EQ(asked, ip("fe80::fe"));
  EXPECT_EQ(learnt().size(), 2U) << "yet it is seen";
}

// RFC 4861 §6.1.2.
TEST_F(RouterDiscovery, AdvertisementsThatAreNotValid_ChangeNothing) {
  start();
  const Octets cut = {3, 4, 64, 0xc0};
  const std::vector<Advert> bad = {{.hop_limit = 254},
                                   {.router = ip("2001:db8::1")},
                                   {.router = ip("fec0::1")},
                                   {.options = {5, 0, 0, 0, 0, 0, 5, 0xdc}},  // an option of length 0
                                   {.options = {5, 2, 0, 0, 0, 0, 5, 0xdc}},  // beyond the end
                                   {.options = cut}};
  for (const Advert& advert : bad) receive(frame_of(advert));
  receive(icmp6(station(1), ip("fe80::1"), wire::all_nodes_group(), 134, 1800, Octets(7)));  // too short
  EXPECT_EQ(counters().dropped(DropReason::NdMalformed), bad.size() + 1);
  receive(frame_of({.destination = ip("ff02::2")}));  // to all routers: we are none
  receive(frame_of({.router = our_link_local, .mac = station(9)}));
  EXPECT_TRUE(learnt().empty());
  EXPECT_EQ(way_to(kFar), std::nullopt);
}

// RFC 4191 §2.1, §3.2.
TEST_F(RouterDiscovery, Preferences_Decide) {
  start();
  receive(frame_of({.router = ip("fe80::1"), .mac = station(1), .preference = 3}));
  EXPECT_EQ(way_to(kFar), station(1));
  receive(frame_of({.router = ip("fe80::2"), .mac = station(3), .preference = 2}));  // reserved: medium
  EXPECT_EQ(way_to(kFar), station(3));
  receive(frame_of({.router = ip("fe80::3"), .mac = station(4), .preference = 1}));
  EXPECT_EQ(way_to(kFar), station(4));
  receive(frame_of({.router = ip("fe80::3"), .mac = station(4), .preference = 3}));
  EXPECT_EQ(way_to(kFar), station(3)) << "it has changed its mind";
}

// RFC 4861 §6.3.6: the one in use stays, while it answers.
TEST_F(RouterDiscovery, SecondRouterOfTheSameRank_IsKeptInReserve) {
  start();
  receive(frame_of({.router = ip("fe80::1"), .mac = station(1)}));
  receive(frame_of({.router = ip("fe80::2"), .mac = station(3)}));
  receive(frame_of({.router = ip("fe80::1"), .mac = station(1)}));
  EXPECT_EQ(way_to(kFar), station(1));
  EXPECT_STREQ(learnt()[1].state, "standby");
}

// RFC 4861 §6.3.6, §7.3.3: who does not answer is not used while another does.
TEST_F(RouterDiscovery, RouterDoesNotAnswer_AnotherIsUsedAndLaterTheFirstAgain) {
  start();
  receive(frame_of({.router = ip("fe80::1"), .mac = station(1)}));
  receive(frame_of({.router = ip("fe80::2"), .mac = station(3)}));
  EXPECT_EQ(way_to(kFar), station(1));
  advance(30s);  // delay, probes, given up
  EXPECT_STREQ(learnt()[0].state, "unreachable");
  EXPECT_EQ(way_to(kFar), station(3));
  receive(frame_of({.router = ip("fe80::2"), .lifetime = 0}));
  EXPECT_STREQ(learnt()[0].state, "in_use") << "better than none";
}

// RFC 4861 §6.3.6: when none answers each is tried in its turn.
TEST_F(RouterDiscovery, NoRouterAnswers_EachIsTried) {
  start();
  receive(frame_of({.router = ip("fe80::1"), .tells_mac = false}));
  receive(frame_of({.router = ip("fe80::2"), .tells_mac = false}));
  std::vector<IpAddress> tried;
  for (int i = 0; i < 4; ++i) {
    way_to(kFar);
    tried.push_back(asked);
    advance(10s);
  }
  EXPECT_EQ(tried, (std::vector{ip("fe80::1"), ip("fe80::2"), ip("fe80::1"), ip("fe80::2")}));
}

// RFC 4861 §6.3.4, §5.2.
TEST_F(RouterDiscovery, PrefixOnTheLink_IsReachedWithoutTheRouter) {
  start();
  receive(frame_of({.options = prefix("2001:db8:ffff::/64", 100)}));
  way_to(kFar);
  EXPECT_EQ(asked, ip(kFar));
  advance(101s);
  EXPECT_EQ(way_to(kFar), station(1)) << "its lifetime has ended, the router's has not";
}

TEST_F(RouterDiscovery, PrefixWithLifetimeZero_EndsAtOnce_AndInfinityNever) {
  start();
  receive(frame_of({.lifetime = 9000, .options = prefix("2001:db8:ffff::/64", 0xffff'ffff)}));
  advance(8000s);
  way_to(kFar);
  EXPECT_EQ(asked, ip(kFar));
  EXPECT_EQ(learnt()[0].lifetime, std::nullopt);
  receive(frame_of({.options = prefix("2001:db8:ffff::/64", 0)}));
  EXPECT_EQ(way_to(kFar), station(1));
}

// RFC 4861 §6.3.4: without the L flag nothing is said; a link-local prefix is not for routers to give.
TEST_F(RouterDiscovery, PrefixThatDoesNotCount_IsIgnored) {
  start();
  for (const Octets& option :
       {prefix("2001:db8:ffff::/64", 100, 0x40), prefix("fe80::/64", 100), prefix("ff00::/8", 100)})
    receive(frame_of({.options = option}));
  Octets too_long = prefix("2001:db8:ffff::/64", 100);
  too_long[2] = 129;
  receive(frame_of({.options = too_long}));
  EXPECT_EQ(learnt().size(), 1U);
  EXPECT_EQ(way_to(kFar), station(1));
}

// RFC 4861 §6.3.4, §6.2.1.
TEST_F(RouterDiscovery, Timers_AreTakenWithinBounds) {
  params.interface.routes = {};
  start();
  receive(frame_of({.retransmit_ms = 250, .tells_mac = false}));
  take();
  app::ConnectOptions options;
  options.remote = {ip(kFar), 7};
  shard->connect(options, handler);
  run();
  advance(900ms);
  EXPECT_EQ(take([](const Heard& one) { return one.nd().has_value(); }).size(), 3U) << "every 250 ms";
  receive(frame_of({.retransmit_ms = 1, .tells_mac = false}));
  shard->connect(options, handler);
  run();
  advance(150ms);
  EXPECT_EQ(take([](const Heard& one) { return one.nd().has_value(); }).size(), 2U) << "not every millisecond";
}

// RFC 4861 §6.3.4: between 1280 and what the link carries.
TEST_F(RouterDiscovery, Mtu_IsTakenWithinBounds) {
  start();
  const auto mss = [&] {
    app::ConnectOptions options;
    options.remote = {peer6, 7};
    app::Connection* connection = shard->connect(options, handler).connection;
    run();
    receive(nd(station(1), peer6, our6,
               {.solicited = true, .override_ = true, .target = peer6, .mac = station(1)}));
    uint32_t found = 0;
    for (const Heard& one : take())
      if (one.frame.kind == wire::FrameKind::Tcp && one.frame.tcp.options.mss)
        found = one.frame.tcp.options.mss->octets();
    connection->abort();
    run();
    take();
    return found;
  };
  EXPECT_EQ(mss(), 1440U);
  receive(frame_of({.options = mtu(1400)}));
  EXPECT_EQ(mss(), 1340U);
  for (const uint32_t bad : {0U, 1279U, 1501U, 9000U, 65536U, 0x1'0000U + 1400U, 0xffff'ffffU}) {
    receive(frame_of({.options = mtu(bad)}));
    EXPECT_EQ(mss(), 1340U) << bad;
  }
  receive(frame_of({.options = mtu(1280)}));
  EXPECT_EQ(mss(), 1220U);
}

// Floods from made-up routers take neither memory nor the router that was there.
TEST_F(RouterDiscovery, FloodOfRouters_IsBoundedAndTheFirstStays) {
  start();
  receive(frame_of({.options = prefix("2001:db8:1::/64", 3600)}));
  for (uint32_t i = 0; i < 5000; ++i) {
    std::array<uint8_t, 16> octets = ip("fe80::1:0").octets();
    octets[14] = static_cast<uint8_t>(i >> 8), octets[15] = static_cast<uint8_t>(i);
    const std::string some = "2001:db8:" + std::to_string(2 + i % 7000) + "::/64";
    receive(frame_of({.router = IpAddress::v6(octets), .mac = station(9), .options = prefix(some.c_str(), 3600)}));
    advance(1ms);
  }
  EXPECT_EQ(learnt().size(), 8U + 16U);
  EXPECT_EQ(way_to(kFar), station(1));
  EXPECT_GT(counters().router_advertisements_limited.value(), 4000U);
  EXPECT_LE(counters().router_advertisements_received.value(), 511U) << "a hundred a second";
}

TEST_F(RouterDiscovery, AdvertisementOfManyPrefixes_IsBounded) {
  start();
  Octets options;
  for (int i = 0; i < 40; ++i) {
    const Octets option = prefix(("2001:db8:" + std::to_string(i) + "::/64").c_str(), 100);
    options.insert(options.end(), option.begin(), option.end());
  }
  receive(frame_of({.options = options}));
  EXPECT_EQ(learnt().size(), 17U);
}

TEST_F(RouterDiscovery, SwitchedOff_NothingIsAskedOrLearnt) {
  params.neighbor.router_discovery = false;
  start();
  receive(frame_of({.options = mtu(1400)}));
  advance(30s);
  EXPECT_TRUE(take_solicitations().empty());
  EXPECT_TRUE(learnt().empty());
  EXPECT_EQ(counters().dropped(DropReason::NdUnwanted), 1U);
}

TEST_F(RouterDiscovery, WithoutIpv6_NothingIsAsked) {
  params.interface.addresses = {{our4, 24}};
  start();
  advance(30s);
  EXPECT_TRUE(take_solicitations().empty());
}

}  // namespace
}  // namespace millrace::conformance
