// Duplicate address detection: RFC 4862 §5.4 and RFC 7527 for IPv6, RFC 5227 for IPv4; and what is said when the
// link comes up.
#include "link_scene.h"

namespace millrace::conformance {
namespace {

class DuplicateAddress : public LinkScene, public testing::WithParamInterface<Family> {
 protected:
  DuplicateAddress() { params.neighbor.multicast_reports = params.neighbor.router_discovery = false; }
  bool v4() const { return GetParam() == Family::V4; }
  IpAddress ours() const { return v4() ? our4 : our6; }
  IpAddress peer() const { return v4() ? peer4 : peer6; }
  IpAddress nobody() const { return v4() ? IpAddress::v4(0, 0, 0, 0) : IpAddress(); }

  // Another station says that it is at our address, unasked.
  Octets claim() {
    if (v4()) return arp(wire::ArpPacket::kRequest, station(9), ours(), ours());
    return nd(station(9), ours(), wire::all_nodes_group(), {.override_ = true, .target = ours(), .mac = station(9)});
  }
  // It answers our probe.
  Octets answer() {
    return v4() ? arp(wire::ArpPacket::kReply, station(9), ours(), nobody()) : claim();
  }
  // It would use our address, too.
  Octets probe_of(const MacAddress& who, std::optional<wire::NdNonce> nonce = {}) {
    if (v4()) return arp(wire::ArpPacket::kRequest, who, nobody(), ours());
    return nd(who, IpAddress(), wire::solicited_node_group(ours()),
              {.solicitation = true, .target = ours(), .mac = {}, .nonce = nonce});
  }
  // It wants to talk to whoever has our address.
  Octets question() {
    if (v4()) return arp(wire::ArpPacket::kRequest, station(1), peer(), ours());
    return nd(station(1), peer(), wire::solicited_node_group(ours()),
              {.solicitation = true, .target = ours(), .mac = station(1)});
  }
  std::vector<Heard> take_probes() {
    return take([&](const Heard& one) { return one.is_probe() && one.target() == ours(); });
  }
  std::vector<Heard> take_announcements() {
    return take([&](const Heard& one) { return one.is_announcement() && one.target() == ours(); });
  }
  app::OpenError connect(const std::optional<IpAddress>& from) {
    app::ConnectOptions options;
    options.remote = {peer(), 7};
    options.local_address = from;
    return shard->connect(options, handler).error;
  }
  void expect_unused() {
    take();
    receive(syn(peer(), ours()));
    receive(question());
    EXPECT_TRUE(take().empty()) << "an address that is not in use answers nobody";
    EXPECT_EQ(connect(ours()), app::OpenError::AddressNotOurs);
    advance(10ms);
    EXPECT_TRUE(take([&](const Heard& one) { return !one.is_probe(); }).empty());
  }
  void expect_used() {
    take();
    EXPECT_EQ(state(ours()), "preferred");
    receive(question());
    receive(syn(peer(), ours()));
    EXPECT_EQ(take().size(), 2U) << "an answer and a SYN-ACK";
  }
};

// RFC 4862 §5.4.2, RFC 5227 §2.1.1.
TEST_P(DuplicateAddress, Probe_AsksEverybodyAndSaysNothingOfUs) {
  start();
  EXPECT_EQ(state(ours()), "tentative");
  advance(150ms);
  const auto probes = take_probes();
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(probes[0].from(), station(2));
  if (v4()) {
    EXPECT_EQ(probes[0].to(), kBroadcastMac);
    EXPECT_TRUE(probes[0].arp()->target_mac.is_zero());
    return;
  }
  EXPECT_EQ(probes[0].frame.destination, wire::solicited_node_group(our6));
  EXPECT_EQ(probes[0].to(), wire::group_mac(wire::solicited_node_group(our6)));
  EXPECT_EQ(probes[0].frame.hop_limit, 255);
  EXPECT_FALSE(probes[0].nd()->mac) << "RFC 4861 §4.3: none from the unspecified address";
}

// RFC 4862 §5.4: on all unicast addresses.
TEST_P(DuplicateAddress, EveryAddress_IsAskedFor) {
  start();
  advance(150ms);
  std::vector<IpAddress> asked;
  for (const Heard& one : take([](const Heard& frame) { return frame.is_probe(); })) asked.push_back(one.target());
  EXPECT_EQ(asked, (std::vector{our4, our6, our_link_local}));
  EXPECT_EQ(counters().addresses_tentative.value(), 3U);
}

// RFC 4862 §5.4.
TEST_P(DuplicateAddress, Tentative_NeitherAnswersNorSends) {
  start();
  expect_unused();
  advance(500ms);
  expect_unused();
}

// RFC 4862 §5.4: unique when RetransTimer has passed since the last probe; RFC 5227 §2.3, RFC 4861 §7.2.6.
TEST_P(DuplicateAddress, NobodyObjects_IsUsedAndAnnouncedTwice) {
  start();
  advance(150ms);
  const Instant asked = take_probes().at(0).at;
  now = asked + 999ms;
  run();
  EXPECT_EQ(state(ours()), "tentative");
  EXPECT_TRUE(take_announcements().empty());
  advance(1ms);
  EXPECT_EQ(take_announcements().size(), 1U);
  EXPECT_EQ(counters().addresses_tentative.value(), 0U);
  expect_used();
  advance(2s);
  EXPECT_EQ(take_announcements().size(), 1U);
  advance(60s);
  EXPECT_TRUE(take_announcements().empty());
}

// RFC 4862 §5.1 DupAddrDetectTransmits, RFC 5227 §1.1 PROBE_NUM.
TEST_P(DuplicateAddress, Transmits_AreAsManyAsAskedForRetransTimerApart) {
  params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 3;
  params.neighbor.retransmit = 200ms;
  start();
  advance(5s);
  const auto probes = take_probes();
  ASSERT_EQ(probes.size(), 3U);
  EXPECT_EQ(probes[1].at - probes[0].at, 200ms);
  EXPECT_EQ(probes[2].at - probes[1].at, 200ms);
  expect_used();
}

// RFC 4862 §5.4: 0 disables.
TEST_P(DuplicateAddress, NoTransmits_IsUsedAtOnce) {
  params.neighbor.dup_addr_detect_transmits = params.neighbor.arp_probes = 0;
  start();
  EXPECT_EQ(take_announcements().size(), 1U);
  expect_used();
  advance(5s);
  EXPECT_TRUE(take_probes().empty());
}

// RFC 4862 §5.4.4 and §5.4.5, RFC 5227 §2.1.1.
TEST_P(DuplicateAddress, AnotherHasIt_IsNotUsed) {
  for (const bool answers : {true, false}) {
    start();
    advance(500ms);
    receive(answers ? answer() : claim());
    EXPECT_EQ(state(ours()), "duplicate");
    EXPECT_EQ(counters().addresses_duplicate.value(), 1U);
    EXPECT_EQ(counters().address_conflicts.value(), 1U);
    advance(10s);
    EXPECT_TRUE(take_announcements().empty());
    EXPECT_EQ(state(ours()), "duplicate");
    expect_unused();
    EXPECT_EQ(counters().addresses_tentative.value(), 0U);
  }
}

// RFC 4862 §5.4.3, RFC 5227 §2.1.1: neither of two that ask at the same time may have it.
TEST_P(DuplicateAddress, AnotherAsksAsWeDo_IsNotUsed) {
  start();
  advance(500ms);
  receive(probe_of(station(9), wire::NdNonce{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(state(ours()), "duplicate");
  expect_unused();
}

// RFC 4862 §5.4.3: before we have asked ourselves, too.
TEST_P(DuplicateAddress, AnotherAsksBeforeWeDo_IsNotUsed) {
  start();
  receive(probe_of(station(9)));
  EXPECT_EQ(state(ours()), "duplicate");
  advance(1s);
  EXPECT_TRUE(take_probes().empty());
}

// RFC 4862 §5.4.3: who resolves the address is not in doubt about it.
TEST_P(DuplicateAddress, AnotherResolvesIt_IsNoConflict) {
  start();
  advance(500ms);
  receive(question());
  EXPECT_EQ(state(ours()), "tentative");
  advance(1s);
  expect_used();
}

// A link that brings our own frames back; RFC 7527 §4.1: by the nonce, whoever's address they bear.
TEST_P(DuplicateAddress, OwnProbeComesBack_IsNoConflict) {
  start();
  advance(150ms);
  receive(take_probes().at(0).octets);
  EXPECT_EQ(state(ours()), "tentative");
  advance(1s);
  expect_used();
}

TEST_P(DuplicateAddress, OneOfSeveral_LeavesTheOthers) {
  params.interface.addresses.push_back(v4() ? Prefix{ip("10.0.0.3"), 24} : Prefix{ip("2001:db8::3"), 64});
  start();
  advance(500ms);
  receive(claim());
  advance(1s);
  EXPECT_EQ(state(ours()), "duplicate");
  EXPECT_EQ(state(params.interface.addresses.back().address), "preferred");
  EXPECT_EQ(connect(std::nullopt), app::OpenError::None) << "from the other one";
}

// RFC 4862 §5.4.3: once it is ours it is defended.
TEST_P(DuplicateAddress, AnotherAsksLater_IsToldThatItIsOurs) {
  start();
  advance(2s);
  take();
  receive(probe_of(station(9)));
  const auto frames = take();
  ASSERT_EQ(frames.size(), 1U);
  if (v4())
    EXPECT_EQ(frames[0].arp()->sender, our4);
  else
    EXPECT_EQ(frames[0].frame.destination, wire::all_nodes_group());
  expect_used();
}

// RFC 5227 §2.4, RFC 4862 §5.4: an address that is in use stays, whatever others claim.
TEST_P(DuplicateAddress, AnotherClaimsItLater_IsCountedAndItStays) {
  start();
  advance(2s);
  receive(claim());
  EXPECT_EQ(counters().address_conflicts.value(), 1U);
  EXPECT_EQ(counters().addresses_duplicate.value(), 0U);
  expect_used();
}

TEST_P(DuplicateAddress, NoRoomToAsk_IsNotTakenForUnique) {
  start();
  std::vector<Packet> all;
  while (Packet packet = pool.allocate()) all.push_back(std::move(packet));
  for (int i = 0; i < 50; ++i) {
    now += 100ms;
    run();
  }
  EXPECT_EQ(state(ours()), "tentative");
  all.clear();
  advance(10ms);
  EXPECT_EQ(take_probes().size(), 1U);
  advance(1s);
  expect_used();
}

// RFC 4861 §7.1: what has been forwarded, or is damaged, says nothing.
TEST_F(LinkScene, DuplicateAddress_InvalidMessages_ChangeNothing) {
  start();
  advance(500ms);
  const Octets target(our6.octets().begin(), our6.octets().end());
  const IpAddress group = wire::solicited_node_group(our6);
  Octets with_mac = target;
  with_mac.insert(with_mac.end(), {1, 1, 2, 0, 0, 0, 0, 9});
  receive(icmp6(station(9), IpAddress(), group, 135, 0, target, 254));            // from afar
  receive(icmp6(station(9), IpAddress(), group, 135, 0, with_mac));               // with a link-layer address
  receive(icmp6(station(9), IpAddress(), wire::all_nodes_group(), 135, 0, target));  // to the wrong group
  receive(icmp6(station(9), our6, wire::all_nodes_group(), 136, 0x2000'0000, target, 64));
  receive(icmp6(station(9), our6, wire::all_nodes_group(), 136, 0x4000'0000, target));  // solicited, to a group
  receive(icmp6(station(9), IpAddress(), group, 135, 0, Octets(target.begin(), target.begin() + 12)));
  EXPECT_EQ(state(our6), "tentative");
  EXPECT_EQ(counters().dropped(DropReason::NdMalformed), 6U);
  advance(1s);
  EXPECT_EQ(state(our6), "preferred");
}

// RFC 7527 §4.1: our own probe by its nonce, whatever has been done to it on the way.
TEST_F(LinkScene, DuplicateAddress_OwnNonceFromAnotherMac_IsNoConflict) {
  start();
  advance(150ms);
  std::optional<wire::NdNonce> nonce;
  for (const Heard& one : take([](const Heard& frame) { return frame.is_probe(); }))
    if (one.target() == our6) nonce = one.nd()->nonce;
  ASSERT_TRUE(nonce);
  receive(nd(station(9), IpAddress(), wire::solicited_node_group(our6),
             {.solicitation = true, .target = our6, .mac = {}, .nonce = nonce}));
  EXPECT_EQ(state(our6), "tentative");
}

// The kernel, where it has an interface with us, asks for the same link-local address.
TEST_F(LinkScene, DuplicateAddress_ProbeFromOurMac_IsOfWhoSharesTheInterface) {
  start();
  advance(500ms);
  receive(nd(station(2), IpAddress(), wire::solicited_node_group(our_link_local),
             {.solicitation = true, .target = our_link_local, .mac = {}, .nonce = wire::NdNonce{9, 9, 9, 9, 9, 9}}));
  EXPECT_EQ(state(our_link_local), "tentative");
}

TEST_F(LinkScene, DuplicateAddress_FloodOfProbes_StaysWithinItsBounds) {
  params.neighbor.multicast_reports = params.neighbor.router_discovery = false;
  start();
  for (int i = 0; i < 5000; ++i)
    receive(nd(station(9), IpAddress(), wire::solicited_node_group(our6),
               {.solicitation = true, .target = our6, .mac = {}, .nonce = {}}));
  EXPECT_EQ(counters().addresses_duplicate.value(), 1U);
  EXPECT_EQ(counters().address_conflicts.value(), 1U);
  EXPECT_TRUE(take([](const Heard& one) { return !one.is_probe(); }).empty());
}

// ---- the link comes up

// RFC 4862 §5.4: where there is no link nobody has been asked.
TEST_P(DuplicateAddress, LinkIsDown_IsTentativeUntilItHasBeenAskedForOnOne) {
  start();
  shard->link_changed(false, now);
  advance(60s);
  EXPECT_TRUE(take_probes().empty());
  EXPECT_EQ(state(ours()), "tentative");
  shard->link_changed(true, now);
  advance(150ms);
  EXPECT_EQ(take_probes().size(), 1U);
  expect_unused();
  advance(1s);
  expect_used();
}

TEST_P(DuplicateAddress, LinkGoesWhileItIsAskedFor_BeginsAnew) {
  start();
  advance(900ms);
  shard->link_changed(false, now);
  advance(1s);
  shard->link_changed(true, now);
  advance(1s);
  EXPECT_EQ(state(ours()), "tentative");
  receive(claim());
  EXPECT_EQ(state(ours()), "duplicate");
}

// RFC 5227 §2.3, RFC 4861 §7.2.6: switches and neighbours may have us elsewhere.
TEST_P(DuplicateAddress, LinkComesUpAgain_IsAnnouncedTwiceAndStaysInUse) {
  start();
  advance(10s);
  take();
  shard->link_changed(false, now);
  advance(1s);
  expect_used();  // for whoever still reaches us
  shard->link_changed(true, now);
  run();
  EXPECT_EQ(take_announcements().size(), 1U);
  expect_used();
  advance(2s);
  EXPECT_EQ(take_announcements().size(), 1U);
  advance(10s);
  EXPECT_TRUE(take_probes().empty());
}

INSTANTIATE_TEST_SUITE_P(, DuplicateAddress, testing::Values(Family::V4, Family::V6), [](const auto& one) {
  return one.param == Family::V4 ? "v4" : "v6";
});

}  // namespace
}  // namespace millrace::conformance
