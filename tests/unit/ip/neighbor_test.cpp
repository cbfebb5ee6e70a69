// The neighbour cache by what happens on the link: RFC 4861 §7.2 and §7.3, for ARP and ND alike.
#include "host_fixture.h"

namespace millrace::ip::test {
namespace {

class Neighbor : public BothFamilies {};
INSTANTIATE_TEST_SUITE_P(Family, Neighbor, testing::Values(Family::V4, Family::V6),
                         [](const auto& family) { return family.param == Family::V4 ? "Arp" : "Nd"; });

TEST_P(Neighbor, Unknown_FirstPacketAsksEveryoneAndWaits) {
  EXPECT_EQ(host->resolve(peer(), now), nullptr);
  EXPECT_TRUE(send_to(peer()));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(is_question(frames[0], everyone()));
  EXPECT_EQ(state(peer()), "incomplete");
  EXPECT_TRUE(send_to(peer()));
  EXPECT_TRUE(sent().empty()) << "one question is enough";
}

TEST_P(Neighbor, Incomplete_Answer_SendsWhatWaitedInOrder) {
  for (uint8_t mark = 1; mark <= 3; ++mark) send_to(peer(), mark);
  sent();
  receive(answer(kPeerMac));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::equal(frames[i].begin(), frames[i].begin() + 6, kPeerMac.octets().begin()));
    EXPECT_EQ(frames[i][14], i + 1);
  }
  EXPECT_EQ(state(peer()), "reachable");
  ASSERT_NE(host->resolve(peer(), now), nullptr);
  EXPECT_EQ(*host->resolve(peer(), now), kPeerMac);
}

TEST_P(Neighbor, Incomplete_FourthPacket_ReplacesTheOldest) {
  for (uint8_t mark = 1; mark <= 4; ++mark) EXPECT_TRUE(send_to(peer(), mark));
  EXPECT_EQ(dropped(DropReason::NeighborQueueFull), 1U);
  sent();
  receive(answer(kPeerMac));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 3U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(frames[i][14], i + 2);
}

TEST_P(Neighbor, Incomplete_NoAnswer_AsksThreeTimesThenFails) {
  send_to(peer());
  send_to(peer());
  const Instant start = now;
  EXPECT_EQ(host->next_deadline(), start + 1s);
  expire_at(start + 999ms);
  EXPECT_EQ(questions(), 1U);
  expire_at(start + 1s);
  EXPECT_EQ(questions(), 2U);
  expire_at(start + 2s);
  EXPECT_EQ(questions(), 3U);
  EXPECT_TRUE(host->take_unreachable().empty());
  expire_at(start + 3s);
  EXPECT_EQ(questions(), 3U);
  EXPECT_EQ(state(peer()), "none");
  EXPECT_EQ(dropped(DropReason::NeighborUnreachable), 2U);
  EXPECT_EQ(host->take_unreachable(), std::vector{peer()});
  EXPECT_TRUE(host->take_unreachable().empty());
  EXPECT_EQ(host->next_deadline(), kNever);
}

TEST_P(Neighbor, Incomplete_UnsolicitedAnswer_SendsAndIsNotTrusted) {
  send_to(peer());
  sent();
  receive(answer(kPeerMac, false));
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_EQ(state(peer()), "delay");
}

TEST_P(Neighbor, Incomplete_QuestionFromIt_SendsWhatWaited) {
  send_to(peer());
  sent();
  receive(question(peer(), kPeerMac));
  EXPECT_EQ(sent().size(), 2U) << "our packet and our answer";
  EXPECT_EQ(state(peer()), "delay");
}

TEST_P(Neighbor, Reachable_TimePasses_StaleUseDelaysThenProbesItsStation) {
  make_reachable();
  const Instant start = now;
  now = start + 29s;
  EXPECT_NE(host->resolve(peer(), now), nullptr);
  EXPECT_EQ(state(peer()), "reachable");
  now = start + 30s;
  EXPECT_NE(host->resolve(peer(), now), nullptr);
  EXPECT_EQ(state(peer()), "delay");
  expire_at(now + 5s);
  EXPECT_EQ(state(peer()), "probe");
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(is_question(frames[0], kPeerMac)) << "by unicast";
  EXPECT_NE(host->resolve(peer(), now), nullptr) << "packets go on meanwhile";
  receive(answer(kPeerMac));
  EXPECT_EQ(state(peer()), "reachable");
}

TEST_P(Neighbor, Probe_NoAnswer_EntryGoesAndTheNextPacketAsksAnew) {
  make_reachable();
  now += 30s;
  host->resolve(peer(), now);
  const Instant probing = now + 5s;
  for (int i = 0; i < 3; ++i) expire_at(probing + i * 1s);
  EXPECT_EQ(questions(), 4U);
  EXPECT_EQ(state(peer()), "probe");
  expire_at(probing + 3s);
  EXPECT_EQ(state(peer()), "none");
  EXPECT_EQ(host->take_unreachable(), std::vector{peer()});
  EXPECT_EQ(host->resolve(peer(), now), nullptr);
  send_to(peer());
  EXPECT_EQ(state(peer()), "incomplete");
}

TEST_P(Neighbor, Confirmed_StaysReachableWithoutAQuestion) {
  make_reachable();
  const Instant start = now;
  for (int second = 1; second < 120; ++second) {
    expire_at(start + second * 1s);
    ASSERT_NE(host->resolve(peer(), now), nullptr);
    host->confirm(peer(), now);
  }
  EXPECT_EQ(state(peer()), "reachable");
  EXPECT_EQ(questions(), 1U);
}

// RFC 9293 §3.8.3 MUST-20 (a): TCP says that nothing is heard.
TEST_P(Neighbor, Doubt_AsksAReachableNeighbourAnew) {
  send_to(peer());
  receive(answer(kPeerMac));
  sent();
  EXPECT_EQ(state(peer()), "reachable");
  host->doubt(peer(), now);
  EXPECT_EQ(state(peer()), "stale");
  EXPECT_NE(host->resolve(peer(), now), nullptr) << "it is used meanwhile";
  EXPECT_EQ(state(peer()), "delay");
  host->doubt(peer(), now);
  EXPECT_EQ(state(peer()), "delay") << "once is enough";
}

TEST_P(Neighbor, Delay_Confirmed_IsReachable) {
  make_reachable();
  now += 30s;
  host->resolve(peer(), now);
  host->confirm(peer(), now + 1s);
  EXPECT_EQ(state(peer()), "reachable");
  expire_at(now + 10s);
  EXPECT_EQ(questions(), 1U);
}

TEST_P(Neighbor, Incomplete_Confirmed_KnowsNoMacYet) {
  send_to(peer());
  host->confirm(peer(), now);
  EXPECT_EQ(state(peer()), "incomplete");
}

TEST_P(Neighbor, AnswerNobodyAskedFor_MakesNoEntry) {
  receive(answer(kPeerMac));
  receive(answer(kPeerMac, false));
  EXPECT_EQ(state(peer()), "none");
  EXPECT_EQ(dropped(v4() ? DropReason::ArpUnwanted : DropReason::NdUnwanted), 2U);
}

TEST_P(Neighbor, QuestionForUs_MakesAStaleEntryThatUseDelays) {
  receive(question(peer(), kPeerMac));
  EXPECT_EQ(state(peer()), "stale");
  sent();
  const MacAddress* resolved = host->resolve(peer(), now);
  ASSERT_NE(resolved, nullptr);
  EXPECT_EQ(*resolved, kPeerMac);
  EXPECT_EQ(state(peer()), "delay");
  EXPECT_EQ(questions(), 0U);
}

TEST_P(Neighbor, HandshakeOfTheUnknown_MakesItsStationKnownWithoutAQuestion) {
  host->heard_handshake(peer(), kPeerMac, now, out);
  EXPECT_EQ(state(peer()), "stale");
  EXPECT_EQ(*host->resolve(peer(), now), kPeerMac);
  EXPECT_EQ(questions(), 0U);
}

TEST_P(Neighbor, HandshakeWhileAsking_SendsWhatWaited) {
  EXPECT_TRUE(send_to(peer()));
  sent();
  host->heard_handshake(peer(), kPeerMac, now, out);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_P(Neighbor, HandshakeFromAnotherStation_ChangesNothingThatIsKnown) {
  make_reachable();
  host->heard_handshake(peer(), mac(7), now, out);
  EXPECT_EQ(*host->resolve(peer(), now), kPeerMac);
  EXPECT_EQ(state(peer()), "reachable");
}

TEST_P(Neighbor, HandshakeThroughARouter_TeachesNothing) {
  const IpAddress far = v4() ? address("198.51.100.1") : address("2001:db8:9::9");
  host->heard_handshake(far, kPeerMac, now, out);
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_P(Neighbor, QuestionFromOffLink_IsAnsweredAndNotRemembered) {
  const IpAddress far = v4() ? address("192.0.2.9") : address("2001:db8:9::9");
  receive(question(far, kPeerMac));
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_EQ(state(far), "none");
}

TEST_P(Neighbor, Reachable_QuestionFromAnotherStation_MovesItAndIsStale) {
  make_reachable();
  receive(question(peer(), mac(7)));
  EXPECT_EQ(state(peer()), "stale");
  EXPECT_EQ(*host->resolve(peer(), now), mac(7));
}

TEST_P(Neighbor, Reachable_OverridingAnnouncement_MovesItAndIsStale) {
  make_reachable();
  receive(answer(mac(7), false));
  EXPECT_EQ(state(peer()), "stale");
  EXPECT_EQ(*host->resolve(peer(), now), mac(7));
}

TEST_P(Neighbor, Reachable_SameStationAnnounces_StaysReachable) {
  make_reachable();
  receive(answer(kPeerMac, false));
  EXPECT_EQ(state(peer()), "reachable");
}

TEST_P(Neighbor, UnusedEntry_IsForgotten) {
  make_reachable();
  const Instant start = now;
  receive(question(stranger(9), mac(9)));
  expire_at(start + 599s);
  EXPECT_EQ(host->neighbors().size(), 2U);
  expire_at(start + 600s);
  EXPECT_TRUE(host->neighbors().empty());
}

TEST_P(Neighbor, UsedEntry_AgesFromItsLastUse) {
  make_reachable();
  const Instant start = now;
  now = start + 20s;
  host->resolve(peer(), now);
  expire_at(start + 600s);
  EXPECT_EQ(state(peer()), "reachable") << "nobody has used it since, so nobody has looked";
  expire_at(start + 620s);
  EXPECT_EQ(state(peer()), "none");
}

TEST_P(Neighbor, FloodOfQuestions_StaysWithinTheBoundAndSparesWhatIsInUse) {
  neighbor.entries = 4;
  restart();
  make_reachable();
  for (uint8_t n = 10; n < 100; ++n) receive(question(stranger(n), mac(n)));
  EXPECT_EQ(host->neighbors().size(), 4U);
  EXPECT_EQ(state(peer()), "reachable");
  EXPECT_EQ(state(stranger(99)), "stale");
  EXPECT_EQ(state(stranger(96)), "none");
}

TEST_P(Neighbor, FloodOfUnanswered_OldestGivesWayAndSparesWhatIsInUse) {
  neighbor.entries = 4;
  restart();
  make_reachable();
  for (uint8_t n = 10; n < 100; ++n) EXPECT_TRUE(send_to(stranger(n)));
  EXPECT_EQ(host->neighbors().size(), 4U);
  EXPECT_EQ(state(peer()), "reachable");
  EXPECT_EQ(state(stranger(99)), "incomplete");
  EXPECT_EQ(dropped(DropReason::NeighborTableFull), 87U);
  receive(question(stranger(5), mac(5)));
  EXPECT_EQ(state(stranger(5)), "none") << "a peer's request does not end a resolution of ours";
}

TEST_P(Neighbor, TableFullOfNeighborsInUse_RefusesUntilOneIsIdle) {
  neighbor.entries = 1;
  restart();
  make_reachable();
  EXPECT_FALSE(send_to(stranger(9)));
  EXPECT_EQ(dropped(DropReason::NeighborTableFull), 1U);
  now += 30s;
  EXPECT_TRUE(send_to(stranger(9)));
  EXPECT_EQ(state(peer()), "none");
  EXPECT_EQ(host->resolve(peer(), now), nullptr) << "no stale handle is followed";
}

TEST_P(Neighbor, EntryReused_OldCacheIsNotFollowed) {
  neighbor.entries = 1;
  restart();
  receive(question(peer(), kPeerMac));
  EXPECT_EQ(*host->resolve(peer(), now), kPeerMac);
  now += 31s;
  expire_at(now);
  receive(answer(kPeerMac));
  now += 31s;
  EXPECT_TRUE(send_to(stranger(9)));
  EXPECT_EQ(host->resolve(peer(), now), nullptr);
}

TEST_P(Neighbor, OffLinkDestination_ResolvesTheGateway) {
  const IpAddress far = v4() ? address("198.51.100.7") : address("2001:db8:77::7");
  const IpAddress gateway = v4() ? address("10.0.0.254") : address("fe80::fe");
  send_to(far);
  EXPECT_EQ(state(gateway), "incomplete");
  EXPECT_EQ(state(far), "none");
  expire_at(now + 1s);
  expire_at(now + 1s);
  expire_at(now + 1s);
  EXPECT_EQ(host->take_unreachable(), std::vector{far}) << "the destination, not the gateway";
}

TEST_P(Neighbor, QueueOfNone_DropsAndStillAsks) {
  neighbor.queue_packets = 0;
  restart();
  EXPECT_FALSE(send_to(peer()));
  EXPECT_EQ(dropped(DropReason::NeighborQueueFull), 1U);
  EXPECT_EQ(sent().size(), 1U);
}

class NeighborNd : public BothFamilies {};
INSTANTIATE_TEST_SUITE_P(Family, NeighborNd, testing::Values(Family::V6));

TEST_P(NeighborNd, Reachable_OtherStationWithoutOverride_OnlyCastsDoubt) {
  make_reachable();
  receive(answer(mac(7), false, false));
  EXPECT_EQ(state(peer()), "stale");
  EXPECT_EQ(*host->resolve(peer(), now), kPeerMac);
}

TEST_P(NeighborNd, Incomplete_AnswerWithoutLinkAddress_IsIgnored) {
  send_to(peer());
  receive(nd(peer(), ours(), kPeerMac, {.solicited = true, .target = peer(), .mac = {}}));
  EXPECT_EQ(state(peer()), "incomplete");
}

TEST_P(NeighborNd, Probe_SolicitedAnswerWithoutLinkAddress_Confirms) {
  make_reachable();
  now += 30s;
  host->resolve(peer(), now);
  expire_at(now + 5s);
  EXPECT_EQ(state(peer()), "probe");
  receive(nd(peer(), ours(), kPeerMac, {.solicited = true, .target = peer(), .mac = {}}));
  EXPECT_EQ(state(peer()), "reachable");
}

}  // namespace
}  // namespace millrace::ip::test
