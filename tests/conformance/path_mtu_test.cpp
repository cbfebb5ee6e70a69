// The path's MTU: ICMP errors that are true and such as cannot be (RFC 1191, 8201, 5927 §7), black holes and
// probing (RFC 4821), and what is remembered of a destination.
#include <algorithm>

#include "scene.h"

namespace millrace::conformance {
namespace {

class PathMtu : public Scene {
 protected:
  PathMtu() {
    params.tcp.timestamps = false;
    params.tcp.send_buffer = 1 << 20;
    params.memory.buffer_bytes = 16U << 20;
    params.tcp.data_retries = 10;
  }
  static uint32_t headers() { return GetParam() == Family::V4 ? 40 : 60; }
  static uint32_t text_of(uint32_t mtu) { return mtu - headers(); }

  Walk& open(bool sack = true) {
    Walk& w = begin();
    open_again(sack);
    return w;
  }
  void open_again(bool sack = true) {
    wire::TcpOptions options = mss_option();
    options.sack_permitted = sack;
    walk->open(options);
  }
  // `segments` full ones leave.
  std::vector<Captured> send_full(uint32_t segments) {
    const uint32_t mss = walk->app.connection->tcb().hot.mss;
    walk->app_send(segments * mss);
    std::vector<Captured> out = seen();
    for (const Captured& one : out) walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
    return out;
  }
  void acknowledge_all() {
    PeerSegment ack = walk->next(wire::kAck);
    ack.window = 60'000;
    peer().send(ack);
    walk->v.snd_una = walk->v.snd_nxt;
    for (const Captured& one : peer().take()) walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
  }
  // Acknowledges whatever comes for a while.
  void let_all_through(int rounds = 60) {
    for (int i = 0; i < rounds; ++i) {
      peer().advance(kRoundTrip);
      for (const Captured& one : peer().take()) note(one);
      acknowledge_all();
    }
  }
  void note(const Captured& one) {
    walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
    largest = std::max(largest, one.segment.payload_length);
  }
  void too_big(Seq seq, uint16_t mtu) {
    const bool v4 = GetParam() == Family::V4;
    peer().send_error(v4 ? 3 : 2, v4 ? 4 : 0, seq, mtu);
  }
  static uint32_t largest_of(const std::vector<Captured>& segments) {
    uint32_t most = 0;
    for (const Captured& one : segments) most = std::max(most, one.segment.payload_length);
    return most;
  }
  uint32_t mss() { return walk->app.connection->tcb().hot.mss; }
  const Counters& counters() { return peer().shard().counters(); }
  // 4 segments that nobody gets, until they have become smaller.
  void fall_into_black_hole() {
    send_full(4);
    for (int i = 0; i < 40 && counters().tcp_mtu_black_holes.value() == 0; ++i) {
      peer().advance(100ms);
      for (const Captured& one : peer().take()) walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
    }
    ASSERT_EQ(counters().tcp_mtu_black_holes.value(), 1U);
    ASSERT_EQ(mss(), text_of(1280));
  }

  // Acknowledges all but the last `behind` octets until a segment comes that is larger than any so far.
  Captured reach_probe(Bytes behind) {
    Captured probe{};
    for (int i = 0; i < 30 && probe.segment.payload_length == 0; ++i) {
      peer().advance(kRoundTrip);
      for (const Captured& one : seen()) {
        walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
        if (one.segment.payload_length > text_of(1280)) probe = one;
      }
      if (probe.segment.payload_length != 0) break;
      PeerSegment ack = walk->next(wire::kAck);
      ack.ack = walk->v.snd_nxt - behind;
      ack.window = 60'000;
      peer().send(ack);
    }
    return probe;
  }

  uint32_t largest = 0;
};

// ---- what ICMP says

// RFC 1191 §4, RFC 8201 §4: "the host must reduce"; RFC 1191 §6.4, RFC 8201 §5.4: what was dropped goes again.
TEST_P(PathMtu, PacketTooBig_TheFlightGoesAgainInSmallerSegmentsAtOnce) {
  Walk& w = open();
  const uint32_t window = w.app.connection->tcb().hot.cwnd;
  const std::vector<Captured> sent = send_full(4);
  ASSERT_EQ(sent.size(), 4U);
  too_big(sent[1].segment.seq, 1300);
  std::vector<Captured> again = seen();
  EXPECT_EQ(text_in(again), text_in(sent)) << list(again);
  EXPECT_EQ(largest_of(again), text_of(1300));
  EXPECT_EQ(again[0].segment.seq, sent[0].segment.seq);
  EXPECT_EQ(w.app.connection->tcb().hot.cwnd, window) << "RFC 1191 §6.5: no congestion";
  EXPECT_EQ(counters().tcp_path_mtu_lowered.value(), 1U);
  acknowledge_all();
  EXPECT_EQ(largest_of(send_full(2)), text_of(1300));
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
}

// RFC 5927 §7.2: where such segments have got through, there must be loss as well.
TEST_P(PathMtu, PacketTooBigOnAPathThatHasCarriedMore_WaitsForALoss) {
  open();
  send_full(2);
  acknowledge_all();
  const std::vector<Captured> sent = send_full(4);
  too_big(sent[0].segment.seq, 1300);
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(mss(), full_mss());
  EXPECT_EQ(counters().tcp_path_mtu_held_back.value(), 1U);
  peer().advance(1s);
  const std::vector<Captured> again = peer().take();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.back().segment.payload_length, text_of(1300)) << list(again);
  EXPECT_EQ(counters().tcp_path_mtu_lowered.value(), 1U);
}

// ... and an acknowledgement disproves it.
TEST_P(PathMtu, PacketTooBigAboutASegmentThatArrives_IsForgotten) {
  open();
  send_full(2);
  acknowledge_all();
  too_big(send_full(1)[0].segment.seq, 1300);
  acknowledge_all();
  send_full(1);
  peer().advance(1s);
  for (const Captured& one : peer().take()) EXPECT_EQ(one.segment.payload_length, full_mss());
  EXPECT_EQ(counters().tcp_path_mtu_lowered.value(), 0U);
  EXPECT_EQ(mss(), full_mss());
}

// RFC 5927 §4.1 and §7: not in the flight, not less than what was sent, below any minimum.
TEST_P(PathMtu, PacketTooBigThatCannotBeTrue_ChangesNothing) {
  Walk& w = open();
  const std::vector<Captured> sent = send_full(4);
  too_big(w.v.snd_nxt, 1300);
  too_big(sent[0].segment.seq - 1, 1300);
  EXPECT_EQ(counters().dropped(DropReason::IcmpQuoteForeign), 2U);
  too_big(sent[0].segment.seq, 1500);
  too_big(sent[0].segment.seq, 9000);
  EXPECT_EQ(counters().tcp_path_mtu_ignored.value(), 2U);
  if (GetParam() == Family::V6)
    too_big(sent[0].segment.seq, 1279);  // RFC 8201 §4: "must not reduce below the IPv6 minimum link MTU"
  else
    too_big(sent[0].segment.seq, 67);
  EXPECT_EQ(counters().dropped(DropReason::IcmpMalformed), 1U);
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(mss(), full_mss());
}

// A segment of hardly any text for each octet is what such an attack wants (RFC 5927 §7.1).
TEST_P(PathMtu, TinyMtu_IsNotBelievedWithoutALoss) {
  if (GetParam() == Family::V6) GTEST_SKIP() << "1280 is the least";
  open();
  too_big(send_full(4)[0].segment.seq, 68);
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(counters().tcp_path_mtu_held_back.value(), 1U);
  acknowledge_all();
  EXPECT_EQ(mss(), full_mss());
}

// RFC 1191 §5 and §7: a router that does not say; the next plateau is tried.
TEST_P(PathMtu, RouterThatNamesNoMtu_ThePlateauBelow) {
  if (GetParam() == Family::V6) GTEST_SKIP() << "ICMPv6 always says";
  open();
  const std::vector<Captured> sent = send_full(2);
  std::vector<uint8_t> quote = peer().quote_of(sent[0].segment.seq);
  quote[2] = 1500 >> 8;  // total length of what was dropped
  quote[3] = 1500 & 0xff;
  peer().send_error_about(3, 4, quote, 0);
  EXPECT_EQ(largest_of(seen()), text_of(1492));
}

// A thousand errors are as good as one.
TEST_P(PathMtu, FloodOfErrors_LowersTheSizeOnlyAsFarAsIsCredible) {
  open();
  const Seq seq = send_full(4)[0].segment.seq;
  for (uint16_t mtu = 1499; mtu > 600; --mtu) too_big(seq, mtu);
  peer().take();
  EXPECT_GE(mss(), GetParam() == Family::V4 ? 552 - 40 : 1280 - 60);
  EXPECT_LE(counters().tcp_path_mtu_lowered.value(), 900U);
  acknowledge_all();
  let_all_through(5);
  EXPECT_EQ(peer().state(), tcp::State::Established);
}

// ---- what a connection's own settings say

class OwnPathMtu : public PathMtu {
 protected:
  void set(PathMtuDiscovery discovery) {
    ConnectionParams settings = walk->app.connection->settings();
    settings.path_mtu_discovery = discovery;
    EXPECT_TRUE(walk->app.connection->set(settings));
  }
  // Before anything is known of the path.
  void open_with(PathMtuDiscovery discovery) {
    Walk& w = begin();
    w.connect();
    set(discovery);
    peer().send({.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = mss_option()});
    w.v.rcv_nxt = w.v.irs + 1;
    w.v.snd_una = w.v.snd_nxt;
    peer().take();
  }
};

// RFC 1191 §3; RFC 6864 §4.1: of an atomic datagram the identification means nothing.
TEST_P(OwnPathMtu, ByDefault_DfIsSetOnEverySegment) {
  open();
  if (GetParam() == Family::V6) return;
  for (const Captured& one : send_full(4)) {
    EXPECT_TRUE(one.dont_fragment);
    EXPECT_EQ(one.identification, 0);
  }
}

TEST_P(OwnPathMtu, Ignored_WhatIcmpSaysChangesNothing) {
  open_with(PathMtuDiscovery::Ignored);
  const std::vector<Captured> sent = send_full(4);
  too_big(sent[0].segment.seq, 1300);
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(mss(), full_mss());
  EXPECT_EQ(counters().tcp_path_mtu_ignored.value(), 1U);
  if (GetParam() == Family::V4) {
    EXPECT_TRUE(sent[0].dont_fragment);
  }
}

TEST_P(OwnPathMtu, Ignored_NoBlackHoleIsLookedFor) {
  open_with(PathMtuDiscovery::Ignored);
  send_full(4);
  peer().advance(10s);
  for (const Captured& one : peer().take()) EXPECT_EQ(one.segment.payload_length, full_mss());
  EXPECT_EQ(counters().tcp_mtu_black_holes.value(), 0U);
}

// RFC 4821 §7.2 would begin below what the MTU allows.
TEST_P(OwnPathMtu, Ignored_SegmentsBeginAsLargeAsTheMtuAllows) {
  params.tcp.mtu_probing = MtuProbing::Always;
  open_with(PathMtuDiscovery::On);
  EXPECT_EQ(mss(), text_of(1280));
  EXPECT_EQ(clean_up(*walk), "");
  open_with(PathMtuDiscovery::Ignored);
  EXPECT_EQ(mss(), full_mss());
}

// RFC 6864 §4.3: fragments of two datagrams must not be taken for those of one. A name that can be guessed, or
// counted, tells what else we send.
TEST_P(OwnPathMtu, Fragment_DfIsNotSetAndEachDatagramHasAnotherName) {
  open_with(PathMtuDiscovery::Fragment);
  const std::vector<Captured> sent = send_full(8);
  too_big(sent[0].segment.seq, 1300);
  EXPECT_EQ(mss(), full_mss());
  if (GetParam() == Family::V6) return;  // routers fragment nothing there
  std::vector<uint16_t> names;
  for (const Captured& one : sent) {
    EXPECT_FALSE(one.dont_fragment);
    names.push_back(one.identification);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_GT(names.back() - names.front(), 1000) << "not counted up";
  set(PathMtuDiscovery::On);
  for (const Captured& one : send_full(1)) EXPECT_TRUE(one.dont_fragment);
}

// ---- what is remembered

TEST_P(PathMtu, NextConnectionToTheSamePlace_BeginsWithWhatIsKnown) {
  Walk& w = open();
  too_big(send_full(4)[0].segment.seq, 1300);
  peer().take();
  for (const bool aged : {false, true}) {
    w.app.connection->abort();
    seen();
    w.app.take_events();
    if (aged) peer().advance(params.tcp.path_mtu_lifetime + 1s);
    open_again();
    EXPECT_EQ(largest_of(send_full(2)), aged ? full_mss() : text_of(1300));
  }
}

// RFC 1191 §6.3, RFC 8201 §4: a long connection tries again, not before ten minutes are over.
TEST_P(PathMtu, LongConnection_TriesLargerSegmentsAfterAWhile) {
  open();
  too_big(send_full(4)[0].segment.seq, 1300);
  peer().take();
  acknowledge_all();
  send_full(40);
  let_all_through();
  EXPECT_EQ(mss(), text_of(1300));
  EXPECT_EQ(counters().tcp_mtu_probes_sent.value(), 0U);
  peer().advance(params.tcp.path_mtu_lifetime + 1s);
  send_full(40);
  let_all_through();
  EXPECT_EQ(mss(), full_mss());
  EXPECT_EQ(counters().tcp_mtu_probes_acked.value(), 1U) << "the top first";
}

// ---- black holes and probing

// RFC 4821 §7.7 and §3: no ICMP comes; the segments themselves tell.
TEST_P(PathMtu, BlackHole_SegmentsBecomeSmallerAndTheTransferGoesOn) {
  open();
  fall_into_black_hole();
  // Segments up to 1280 get through from now on.
  uint32_t through = 0;
  for (int i = 0; i < 20; ++i) {
    peer().advance(kRoundTrip);
    for (const Captured& one : peer().take()) {
      EXPECT_LE(one.segment.payload_length, text_of(1280));
      note(one);
    }
    acknowledge_all();
  }
  through = walk->app.connection->unacknowledged_bytes();
  EXPECT_EQ(through, 0U);
}

TEST_P(PathMtu, AfterABlackHole_ProbesFindWhatThePathCarries) {
  open();
  fall_into_black_hole();
  acknowledge_all();
  walk->app_send(400'000);
  // The path carries 1400.
  for (int i = 0; i < 400 && walk->app.connection->unacknowledged_bytes() != 0; ++i) {
    peer().advance(i % 8 == 7 ? Micros{300ms} : Micros{kRoundTrip});
    Seq in_order = walk->v.snd_una;
    PeerSegment ack = walk->next(wire::kAck);
    ack.window = 60'000;
    std::vector<Captured> arrived;
    for (const Captured& one : peer().take()) {
      walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
      if (one.segment.payload_length <= text_of(1400)) arrived.push_back(one);
    }
    std::sort(arrived.begin(), arrived.end(), [](const Captured& a, const Captured& b) {
      return a.segment.seq.before(b.segment.seq);
    });
    Seq right = in_order;
    for (const Captured& one : arrived) {
      if (one.segment.seq.before_or_at(in_order)) in_order = later(in_order, one.segment.end());
      right = later(right, one.segment.end());
    }
    if (right.after(in_order) && !arrived.empty()) {
      ack.options.sack[0] = {arrived.back().segment.seq, right};
      ack.options.sack_count = 1;
    }
    ack.ack = in_order;
    walk->v.snd_una = in_order;
    peer().send(ack);
  }
  EXPECT_EQ(walk->app.connection->unacknowledged_bytes(), 0U);
  EXPECT_GE(mss(), text_of(1400) - 16);
  EXPECT_LE(mss(), text_of(1400));
  EXPECT_GE(counters().tcp_mtu_probes_lost.value(), 1U);
}

// RFC 4821 §7.6.2 and §7.7: the loss of a probe alone is no congestion.
TEST_P(PathMtu, LostProbe_IsSentAgainSmallAndDoesNotReduceTheWindow) {
  open();
  fall_into_black_hole();
  walk->app_send(200'000);
  const auto& tcb = walk->app.connection->tcb();
  const Captured probe = reach_probe(0);
  ASSERT_NE(probe.segment.payload_length, 0U) << "a probe";
  const uint32_t window = tcb.cold.cc.cwnd();
  const uint64_t recoveries = counters().tcp_fast_retransmits.value();
  peer().advance(kRoundTrip);
  PeerSegment ack = walk->next(wire::kAck);
  ack.ack = probe.segment.seq;
  ack.window = 60'000;
  ack.options.sack[0] = {probe.segment.end(), walk->v.snd_nxt};
  ack.options.sack_count = 1;
  peer().send(ack);
  peer().advance(50ms);
  std::vector<Captured> again = peer().take();
  const auto first = std::find_if(again.begin(), again.end(), [&](const Captured& one) {
    return one.segment.seq == probe.segment.seq;
  });
  ASSERT_NE(first, again.end()) << list(again);
  EXPECT_LE(first->segment.payload_length, text_of(1280));
  EXPECT_GE(tcb.cold.cc.cwnd(), window);
  EXPECT_EQ(counters().tcp_fast_retransmits.value(), recoveries);
  EXPECT_EQ(counters().tcp_mtu_probes_lost.value(), 1U);
}

// With another segment it is lost to congestion, as far as anybody can tell; what then arrives is not the probe.
TEST_P(PathMtu, ProbeLostWithTheSegmentBeforeIt_WhatIsSentAgainSmallSaysNothingOfIt) {
  open();
  fall_into_black_hole();
  walk->app_send(200'000);
  const Captured probe = reach_probe(text_of(1280));
  ASSERT_NE(probe.segment.payload_length, 0U) << "a probe";
  peer().advance(kRoundTrip);
  PeerSegment ack = walk->next(wire::kAck);
  ack.ack = probe.segment.seq - text_of(1280);
  ack.window = 60'000;
  ack.options.sack[0] = {probe.segment.end(), walk->v.snd_nxt};
  ack.options.sack_count = 1;
  peer().send(ack);
  peer().advance(50ms);
  uint32_t again = 0;
  for (const Captured& one : peer().take()) {
    if (one.segment.seq.before(probe.segment.end())) again += one.segment.payload_length;
    walk->v.snd_nxt = later(walk->v.snd_nxt, one.segment.end());
  }
  ASSERT_GE(again, text_of(1280) + probe.segment.payload_length) << "both have gone again";
  ack = walk->next(wire::kAck);
  ack.ack = probe.segment.end();
  ack.window = 60'000;
  peer().send(ack);
  EXPECT_EQ(counters().tcp_mtu_probes_acked.value(), 0U);
  EXPECT_EQ(counters().tcp_mtu_probes_lost.value(), 1U);
  EXPECT_EQ(mss(), text_of(1280));
}

TEST_P(PathMtu, ProbingAlways_BeginsSmallAndTriesTheTopFirst) {
  params.tcp.mtu_probing = MtuProbing::Always;
  open();
  EXPECT_EQ(mss(), text_of(1280));
  walk->app_send(100'000);
  for (const Captured& one : seen()) note(one);
  acknowledge_all();
  let_all_through();
  EXPECT_EQ(largest, full_mss());
  EXPECT_EQ(mss(), full_mss());
  EXPECT_EQ(counters().tcp_mtu_probes_sent.value(), 1U);
}

TEST_P(PathMtu, ProbingOff_BlackHolesAreNotLookedFor) {
  params.tcp.mtu_probing = MtuProbing::Off;
  open();
  send_full(4);
  peer().advance(20s);
  for (const Captured& one : peer().take()) EXPECT_EQ(one.segment.payload_length, full_mss());
  EXPECT_EQ(counters().tcp_mtu_black_holes.value(), 0U);
}

// Small segments that go unanswered say nothing of their size.
TEST_P(PathMtu, SmallSegmentsUnanswered_AreNoBlackHole) {
  open();
  walk->app_send(500);
  peer().advance(10s);
  peer().take();
  EXPECT_EQ(counters().tcp_mtu_black_holes.value(), 0U);
  EXPECT_EQ(mss(), full_mss());
}

// ---- the clamp

TEST_P(PathMtu, MssClamp_LimitsWhatIsSentAndWhatIsAnnounced) {
  params.tcp.mss_clamp = 1200;
  Walk& w = begin(Opening::Passive);
  w.listen();
  peer().send({.flags = wire::kSyn, .seq = w.v.irs, .ack = Seq(), .options = mss_option()});
  const wire::Segment answer = peer().take_one().segment;
  ASSERT_TRUE(answer.options.mss);
  EXPECT_EQ(answer.options.mss->octets(), 1200);
  walk.reset();
  Walk& sender = open();
  EXPECT_EQ(largest_of(send_full(2)), 1200U);
  acknowledge_all();
  EXPECT_EQ(sender.app.connection->unacknowledged_bytes(), 0U);
}

MILLRACE_BOTH_FAMILIES(PathMtu);
MILLRACE_BOTH_FAMILIES(OwnPathMtu);

}  // namespace
}  // namespace millrace::conformance
