// Explicit Congestion Notification in the handshake (RFC 3168 §6.1.1): who asks, who answers, and what of it is
// in force afterwards.
#include "ecn_scene.h"

namespace millrace::conformance {
namespace {

class EcnOpening : public EcnScene {
 protected:
  // Whether new data of ours is ECN-capable.
  bool sends_ect() {
    first = walk->v.snd_nxt;
    flown = 0;
    const std::vector<Captured> out = say(100);
    EXPECT_EQ(out.size(), 1U) << list(out);
    return !out.empty() && out.front().segment.ecn == wire::kEct0;
  }
  // Whether CE comes back.
  bool echoes() {
    const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
    if (answer) return has_ece(*answer);
    peer().advance(50ms);  // the delayed one
    return has_ece(peer().take_one().segment);
  }
  // Passive OPEN by Fast Open, with data in the SYN.
  void ask_fast() {
    params.tcp.nagle = false;
    begin(Opening::Passive);
    const ListenerParams listener{.local = peer().ours(), .fast_open_pending = 4};
    ASSERT_EQ(peer().shard().listen(listener, walk->app, "test"), app::OpenError::None);
    wire::TcpOptions options = mss_option();
    options.fast_open = wire::FastOpenCookie();
    const wire::Segment granted = ask(kSetupSyn, options);
    EXPECT_EQ(granted.flags, kSetupSynAck);
    peer().send({.flags = wire::kRst, .seq = walk->v.rcv_nxt});
    options.fast_open = granted.options.fast_open;
    peer().send({.flags = kSetupSyn, .seq = walk->v.irs, .length = 100, .options = options});
    const wire::Segment syn_ack = peer().take_one().segment;
    EXPECT_EQ(syn_ack.flags, kSetupSynAck);
    walk->v.snd_nxt = syn_ack.seq + 1;
    walk->v.rcv_nxt = syn_ack.ack;
  }
};

// ---- passive OPEN

TEST_P(EcnOpening, Passive_TheDefault_AnswersWhoAsks) {
  params.tcp.ecn = TcpParams().ecn;
  const wire::Segment syn_ack = ask(kSetupSyn);
  EXPECT_EQ(syn_ack.flags, kSetupSynAck);
  EXPECT_EQ(syn_ack.ecn, wire::kNotEct) << "RFC 3168 §6.1.1: no ECT on a SYN-ACK";
  accept();
  EXPECT_TRUE(sends_ect());
  EXPECT_TRUE(echoes());
}

TEST_P(EcnOpening, Passive_NobodyAsks_NothingIsInForce) {
  EXPECT_EQ(ask(wire::kSyn).flags, kSynAck);
  accept();
  EXPECT_FALSE(sends_ect());
  EXPECT_FALSE(echoes());
  EXPECT_EQ(counters().tcp_ecn_ce_received.value(), 0U);
}

// RFC 3168 §6.1.1: an ECN-setup SYN has both bits.
TEST_P(EcnOpening, Passive_OneBitAlone_AsksForNothing) {
  for (const wire::Flags bit : {wire::kEce, wire::kCwr}) {
    walk.reset();
    EXPECT_EQ(ask(wire::kSyn | bit).flags, kSynAck);
    accept();
    EXPECT_FALSE(sends_ect());
    EXPECT_EQ(clean_up(*walk), "");
  }
}

// The path sets the field of whatever it carries: CE would say nothing (deviation ecn-syn-field).
TEST_P(EcnOpening, Passive_SynWithEctOrCe_AsksForNothing) {
  for (const uint8_t codepoint : {wire::kEct1, wire::kEct0, wire::kCe}) {
    walk.reset();
    EXPECT_EQ(ask(kSetupSyn, offer(), codepoint).flags, kSynAck);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

TEST_P(EcnOpening, Passive_SwitchedOff_AnswersNobody) {
  params.tcp.ecn = EcnMode::Off;
  EXPECT_EQ(ask(kSetupSyn).flags, kSynAck);
  accept();
  EXPECT_FALSE(sends_ect());
  EXPECT_FALSE(echoes());
}

TEST_P(EcnOpening, Passive_AListenerMayDiffer) {
  for (const auto& [shard, listener] : {std::pair{EcnMode::Off, EcnMode::Passive}, {EcnMode::On, EcnMode::Off}}) {
    params.tcp.ecn = shard;
    walk.reset();
    begin(Opening::Passive).listen();
    ConnectionParams settings;
    settings.ecn = listener;
    ASSERT_TRUE(peer().shard().set_listening(peer().ours(), settings));
    EXPECT_EQ(ask(kSetupSyn).flags, listener == EcnMode::Off ? kSynAck : kSetupSynAck);
    accept();
    EXPECT_EQ(sends_ect(), listener != EcnMode::Off);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

TEST_P(EcnOpening, Passive_SynAckAgain_AgreesAgain) {
  ask(kSetupSyn);
  peer().advance(params.tcp.rto_initial + 10ms);
  EXPECT_EQ(peer().take_one().segment.flags, kSetupSynAck);
  peer().send({.flags = kSetupSyn, .seq = walk->v.irs, .options = offer()});
  EXPECT_EQ(peer().take_one().segment.flags, kSetupSynAck);
  accept();
  EXPECT_TRUE(sends_ect());
}

// RFC 3168 §6.1.1: who has received a SYN without should not set ECT. The peer has fallen back, for our SYN-ACK
// was lost, or its first SYN came late.
TEST_P(EcnOpening, Passive_ThePeerFallsBack_SoDoWe) {
  ask(kSetupSyn);
  peer().send({.flags = wire::kSyn, .seq = walk->v.irs, .options = offer()});
  EXPECT_EQ(peer().take_one().segment.flags, kSynAck);
  accept();
  EXPECT_FALSE(sends_ect());
}

TEST_P(EcnOpening, Passive_ALaterSetupSyn_DoesNotAskForIt) {
  ask(wire::kSyn);
  peer().send({.flags = kSetupSyn, .seq = walk->v.irs, .options = offer()});
  EXPECT_EQ(peer().take_one().segment.flags, kSynAck);
  accept();
  EXPECT_FALSE(sends_ect());
}

// A cookie has one bit for it, in the timestamp.
TEST_P(EcnOpening, Passive_SynCookie_BringsItBack) {
  params.tcp.syn_cookies = SynCookies::Always;
  params.tcp.timestamps = true;
  for (const wire::Flags flags : {kSetupSyn, wire::kSyn}) {
    walk.reset();
    wire::TcpOptions options = offer();
    options.timestamps = wire::Timestamps{1000, 0};
    const wire::Segment syn_ack = ask(flags, options);
    EXPECT_EQ(has_ece(syn_ack), flags == kSetupSyn);
    EXPECT_EQ(counters().tcp_syn_cookies_sent.value(), 1U);
    PeerSegment ack = walk->next(wire::kAck);
    ack.options.timestamps = wire::Timestamps{1010, syn_ack.options.timestamps->value};
    peer().send(ack);
    ASSERT_NE(walk->app.connection, nullptr);
    EXPECT_EQ(sends_ect(), flags == kSetupSyn);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

TEST_P(EcnOpening, Passive_SynCookieWithoutTimestamps_AgreesToNothing) {
  params.tcp.syn_cookies = SynCookies::Always;
  EXPECT_EQ(ask(kSetupSyn).flags, kSynAck);
  accept();
  EXPECT_FALSE(sends_ect());
}

// A connection that Fast Open has opened answers itself (RFC 7413 §4.2.2).
TEST_P(EcnOpening, Passive_FastOpen_AgreesLikeAnySynAck) {
  ask_fast();
  EXPECT_TRUE(sends_ect());
  peer().send(walk->next(wire::kAck));
  peer().take();
  EXPECT_TRUE(echoes());
}

TEST_P(EcnOpening, Passive_FastOpen_ThePeerFallsBack_SoDoWe) {
  ask_fast();
  peer().send({.flags = wire::kSyn, .seq = walk->v.irs - 1, .options = offer()});
  peer().take();
  EXPECT_TRUE(sends_ect()) << "that was another one's";
  walk->v.snd_nxt = first + flown;
  peer().send({.flags = wire::kSyn, .seq = walk->v.irs, .options = offer()});
  peer().take();
  EXPECT_FALSE(sends_ect());
}

// ---- active OPEN

TEST_P(EcnOpening, Active_On_AsksAndIsAnswered) {
  const wire::Segment syn = connect();
  EXPECT_EQ(syn.flags, kSetupSyn);
  EXPECT_EQ(syn.ecn, wire::kNotEct) << "RFC 3168 §6.1.1: no ECT on a SYN";
  const wire::Segment ack = answer(kSetupSynAck);
  EXPECT_EQ(ack.flags, wire::kAck);
  EXPECT_EQ(ack.ecn, wire::kNotEct);
  EXPECT_TRUE(sends_ect());
  EXPECT_TRUE(echoes());
}

TEST_P(EcnOpening, Active_Passive_DoesNotAskAndTakesNoOffer) {
  params.tcp.ecn = EcnMode::Passive;
  EXPECT_EQ(connect().flags, wire::kSyn);
  answer(kSetupSynAck);
  EXPECT_FALSE(sends_ect());
  EXPECT_FALSE(echoes());
}

TEST_P(EcnOpening, Active_AConnectionMayDiffer) {
  for (const auto& [shard, own] : {std::pair{EcnMode::Passive, EcnMode::On}, {EcnMode::On, EcnMode::Off}}) {
    params.tcp.ecn = shard;
    ConnectionParams settings;
    settings.ecn = own;
    EXPECT_EQ(connect(settings).flags, own == EcnMode::On ? kSetupSyn : wire::kSyn);
    answer(kSetupSynAck);
    EXPECT_EQ(sends_ect(), own == EcnMode::On);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

// RFC 3168 §6.1.1: ECE without CWR is an ECN-setup SYN-ACK; both together are a SYN's, echoed by a peer that
// sends back whatever reserved bits come.
TEST_P(EcnOpening, Active_AnyOtherSynAck_Refuses) {
  for (const wire::Flags flags : {kSynAck, kSetupSynAck | wire::kCwr, kSynAck | wire::kCwr}) {
    connect();
    answer(flags);
    EXPECT_FALSE(sends_ect());
    EXPECT_FALSE(echoes());
    EXPECT_EQ(clean_up(*walk), "");
  }
}

// RFC 3168 §6.1.1.1: something on the path may drop SYNs with the bits. §6.1.1: who has sent a SYN without must
// not set ECT, but the peer, which knows only of the first, may; so CE is echoed.
TEST_P(EcnOpening, Active_SynLost_TheNextIsWithout) {
  EXPECT_EQ(connect().flags, kSetupSyn);
  peer().advance(params.tcp.rto_initial + 10ms);
  EXPECT_EQ(peer().take_one().segment.flags, wire::kSyn);
  answer(kSetupSynAck);
  EXPECT_FALSE(sends_ect());
  EXPECT_TRUE(echoes());
}

// Our SYN met an earlier connection of the peer's, not a path that drops it (RFC 9293 §3.5.1, Figure 10).
TEST_P(EcnOpening, Active_SynRepeatedAtOnce_StillAsks) {
  connect();
  peer().send({.flags = wire::kAck, .seq = walk->v.irs, .ack = walk->v.iss - 500});
  const std::vector<Captured> out = peer().take();
  ASSERT_EQ(out.size(), 2U) << list(out);
  EXPECT_TRUE(out[0].segment.flags.rst());
  EXPECT_EQ(out[1].segment.flags, kSetupSyn);
}

TEST_P(EcnOpening, SimultaneousOpen_BothAsk_BothUseIt) {
  connect();
  peer().send({.flags = kSetupSyn, .seq = walk->v.irs, .options = offer()});
  EXPECT_EQ(peer().take_one().segment.flags, kSetupSynAck);
  walk->v.rcv_nxt = walk->v.irs + 1;
  peer().send(walk->next(wire::kAck));
  peer().take();
  EXPECT_TRUE(sends_ect());
  EXPECT_TRUE(echoes());
}

TEST_P(EcnOpening, SimultaneousOpen_ThePeerDoesNotAsk_NobodyUsesIt) {
  connect();
  peer().send({.flags = wire::kSyn, .seq = walk->v.irs, .options = offer()});
  EXPECT_EQ(peer().take_one().segment.flags, kSynAck);
  walk->v.rcv_nxt = walk->v.irs + 1;
  peer().send(walk->next(wire::kAck));
  peer().take();
  EXPECT_FALSE(sends_ect());
}

MILLRACE_BOTH_FAMILIES(EcnOpening);

}  // namespace
}  // namespace millrace::conformance
