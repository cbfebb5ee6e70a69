// Congestion control as the peer sees it: how much leaves, and after what. RFC 5681 and RFC 6928 for all, RFC 9438
// (CUBIC) and RFC 9406 (HyStart++) as the default, and how one of them is chosen. The curves themselves are the
// unit tests' of cc.
#include <algorithm>

#include "scene.h"

namespace millrace::conformance {
namespace {

constexpr uint32_t kMss = 1000;

class Congestion : public Scene {
 protected:
  Congestion() {
    params.tcp.timestamps = false;
    params.tcp.send_buffer = 4U << 20;
    params.memory.buffer_bytes = 64U << 20;
  }
  // ESTABLISHED with SACK and a wide window, and `octets` queued; what the initial window lets go has left.
  Walk& sending(uint32_t octets, Opening opening = Opening::Active) {
    Walk& w = begin(opening);
    wire::TcpOptions offer = mss_option(kMss);
    offer.sack_permitted = true;
    offer.window_scale = WindowScale(10);
    w.open(offer);
    first = w.v.snd_nxt;
    if (octets != 0) w.app_send(octets);
    leave();
    return w;
  }
  // The peer acknowledges up to `octets` from the first; returns what leaves for it.
  uint32_t ack(uint32_t octets, std::vector<std::pair<uint32_t, uint32_t>> blocks = {}) {
    PeerSegment segment = walk->next(wire::kAck);
    segment.ack = first + octets;
    segment.window = 20'000;
    for (const auto& [left, right] : blocks)
      segment.options.sack[segment.options.sack_count++] = {first + left, first + right};
    peer().send(segment);
    return leave();
  }
  // Octets that have left for the first time since the last call.
  uint32_t leave() {
    const uint32_t before = flown;
    for (const Captured& one : seen())
      if (one.segment.payload_length != 0)
        flown = std::max(flown, one.segment.seq - first + one.segment.payload_length);
    return flown - before;
  }
  // A round trip later everything in flight is acknowledged, two segments at a time.
  void round(Micros rtt = 100ms) {
    peer().advance(rtt);
    const uint32_t end = flown;
    while (acked < end) ack(acked = std::min(end, acked + 2 * kMss));
  }
  // The second to the fourth segment in flight have arrived, the first has not.
  void lose_one() {
    peer().advance(100ms);
    for (uint32_t right = 2; right <= 4; ++right) ack(acked, {{acked + kMss, acked + right * kMss}});
  }
  Bytes cwnd() const { return walk->app.connection->tcb().cold.cc.cwnd(); }
  Bytes ssthresh() const { return walk->app.connection->tcb().cold.cc.ssthresh(); }

  Seq first;
  uint32_t flown = 0, acked = 0;
};

// RFC 6928 §2.
TEST_P(Congestion, InitialWindow_IsTenSegments) {
  sending(40'000);
  EXPECT_EQ(flown, 10 * kMss);
}

// RFC 6928 §2, RFC 5681 §3.1: after a SYN or SYN-ACK was lost.
TEST_P(Congestion, SynLost_TheInitialWindowIsOneSegment) {
  Walk& w = begin();
  w.connect();
  peer().advance(params.tcp.rto_initial * 3 + 10ms);
  peer().take();
  ASSERT_GE(peer().shard().counters().tcp_rto_fired.value(), 2U);
  peer().send({.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = mss_option(kMss)});
  w.v.rcv_nxt = w.v.irs + 1;
  first = w.v.snd_nxt;
  peer().take();
  w.app_send(40'000);
  EXPECT_EQ(leave(), kMss);
}

TEST_P(Congestion, Default_IsCubicAndSlowStartDoubles) {
  sending(400'000);
  EXPECT_EQ(walk->app.connection->congestion_control(), CongestionControl::Cubic);
  for (const uint32_t expected : {20U, 40U, 80U}) {
    round();
    EXPECT_EQ(flown - acked, expected * kMss);
  }
}

// RFC 9438 §4.6; RFC 5681 §3.1 (4).
TEST_P(Congestion, Loss_CubicKeepsSevenTenthsAndNewRenoHalf) {
  for (const auto algorithm : {CongestionControl::Cubic, CongestionControl::NewReno}) {
    params.tcp.congestion_control = algorithm;
    flown = acked = 0;
    sending(400'000);
    round();
    lose_one();
    EXPECT_EQ(ssthresh(), (algorithm == CongestionControl::Cubic ? 14U : 10U) * kMss);
    walk->app.connection->abort();
    peer().run();
    peer().take();
  }
}

// RFC 9406 §4.2: a queue that builds up ends slow start before anything is lost.
TEST_P(Congestion, RoundTripsGrow_SlowStartEndsWithoutLoss) {
  sending(4'000'000);
  round(50ms);
  round(50ms);
  for (int i = 0; i < 8; ++i) round(70ms);
  EXPECT_LT(ssthresh(), 300U * kMss);
  EXPECT_GE(cwnd(), ssthresh());
  EXPECT_EQ(peer().shard().counters().tcp_retransmitted_segments.value(), 0U);
}

// RFC 9406 measures round trips, not timestamps: with them it is the same.
TEST_P(Congestion, RoundTripsGrow_WithTimestampsToo) {
  params.tcp.timestamps = true;
  sending(4'000'000);
  round(50ms);
  round(50ms);
  for (int i = 0; i < 8; ++i) round(70ms);
  EXPECT_LT(ssthresh(), 300U * kMss);
}

// RFC 5681 §4.1: nothing sent for longer than the time-out.
TEST_P(Congestion, AfterIdle_TheInitialWindowIsAllThatLeaves) {
  sending(200'000);
  while (acked < 200'000) round();
  EXPECT_GT(cwnd(), 50U * kMss);
  peer().advance(10s);
  peer().take();
  walk->app_send(200'000);
  EXPECT_EQ(leave(), 10 * kMss);
}

TEST_P(Congestion, AfterIdle_TheWindowStaysWhereThatIsSwitchedOff) {
  params.tcp.idle_restart = false;
  sending(200'000);
  while (acked < 200'000) round();
  peer().advance(10s);
  peer().take();
  const Bytes window = cwnd();
  walk->app_send(200'000);
  EXPECT_EQ(leave(), window / kMss * kMss);
}

// RFC 9438 §5.8, RFC 7661 §4.3: small answers for long do not add up to a window that nobody has tried.
TEST_P(Congestion, AppLimited_TheWindowDoesNotGrow) {
  sending(0);
  for (int i = 0; i < 200; ++i) {
    walk->app_send(2 * kMss);
    leave();
    round();
  }
  EXPECT_LE(cwnd(), 14U * kMss);
  walk->app_send(100'000);
  EXPECT_LE(leave(), 14U * kMss);
}

// The peer's window limits the flight: that is app-limited too (RFC 9438 §5.8).
TEST_P(Congestion, WindowOfThePeer_TheCongestionWindowDoesNotGrowPastIt) {
  Walk& w = begin();
  w.open(mss_option(kMss));
  first = w.v.snd_nxt;
  w.app_send(400'000);
  seen();
  for (uint32_t i = 1; i < 100; ++i) {
    peer().advance(10ms);
    PeerSegment segment = w.next(wire::kAck);
    segment.ack = first + 2 * i * kMss;
    segment.window = 12'000;
    peer().send(segment);
    peer().take();
  }
  EXPECT_LE(cwnd(), 26U * kMss);
}

// RFC 9438 §4.9: nothing had been lost, and everything is as before.
TEST_P(Congestion, SpuriousRecovery_CubicGoesOnAsBefore) {
  sending(400'000);
  round();
  const Bytes before = cwnd();
  lose_one();
  EXPECT_LT(cwnd(), before);
  // The original arrives after all, and the copy is reported as a duplicate (RFC 2883, RFC 3708).
  const uint32_t all = acked + 4 * kMss;
  ack(all);
  PeerSegment duplicate = walk->next(wire::kAck);
  duplicate.ack = first + all;
  duplicate.options.sack_count = 1;
  duplicate.options.sack[0] = {first + acked, first + acked + kMss};
  peer().send(duplicate);
  peer().take();
  EXPECT_GE(cwnd(), before);
  EXPECT_EQ(ssthresh(), cc::kMaxWindow);
}

// RFC 9438 §4.8: one segment after a time-out, and 0.7 of the flight for ssthresh.
TEST_P(Congestion, TimeOut_LeavesOneSegment) {
  sending(400'000);
  round();
  peer().advance(600ms);
  EXPECT_EQ(peer().shard().counters().tcp_rto_fired.value(), 1U);
  EXPECT_EQ(cwnd(), kMss);
  EXPECT_EQ(ssthresh(), 14U * kMss);
}

// Chosen for all, for what a listener accepts, for one connection from its SYN on, and for one that is open.
TEST_P(Congestion, Algorithm_OfTheShardCountsForConnectionsFromThenOn) {
  sending(10'000);
  EXPECT_EQ(walk->app.connection->congestion_control(), CongestionControl::Cubic);
  TcpParams changed = params.tcp;
  changed.congestion_control = CongestionControl::NewReno;
  peer().shard().set_tcp_params(changed);
  EXPECT_EQ(walk->app.connection->congestion_control(), CongestionControl::Cubic) << "it is open";
}

TEST_P(Congestion, Algorithm_OfAListener) {
  params.tcp.congestion_control = CongestionControl::Cubic;
  Walk& w = begin(Opening::Passive);
  w.half_open();
  ConnectionParams settings;
  settings.congestion_control = CongestionControl::NewReno;
  ASSERT_TRUE(peer().shard().set_listening(peer().ours(), settings));
  peer().send(w.next(wire::kAck));
  peer().take();
  ASSERT_NE(w.app.connection, nullptr);
  EXPECT_EQ(w.app.connection->congestion_control(), CongestionControl::NewReno);
}

TEST_P(Congestion, Algorithm_OfAConnectionThatIsOpen_TheWindowStays) {
  sending(400'000);
  round();
  const Bytes window = cwnd();
  ConnectionParams settings = walk->app.connection->settings();
  settings.congestion_control = CongestionControl::NewReno;
  ASSERT_TRUE(walk->app.connection->set(settings));
  EXPECT_EQ(walk->app.connection->congestion_control(), CongestionControl::NewReno);
  EXPECT_EQ(cwnd(), window);
  lose_one();
  EXPECT_EQ(ssthresh(), 10U * kMss) << "half, not 0.7";
}

// A reduction by one algorithm is not taken back by the other one's memory.
TEST_P(Congestion, Algorithm_ChangedInRecovery_IsNotUndone) {
  sending(400'000);
  round();
  lose_one();
  ConnectionParams settings = walk->app.connection->settings();
  settings.congestion_control = CongestionControl::NewReno;
  ASSERT_TRUE(walk->app.connection->set(settings));
  const uint32_t all = acked + 4 * kMss;
  ack(all);
  PeerSegment duplicate = walk->next(wire::kAck);
  duplicate.ack = first + all;
  duplicate.options.sack_count = 1;
  duplicate.options.sack[0] = {first + acked, first + acked + kMss};
  peer().send(duplicate);
  peer().take();
  EXPECT_EQ(walk->app.connection->congestion_control(), CongestionControl::NewReno);
}

MILLRACE_BOTH_FAMILIES(Congestion);

}  // namespace
}  // namespace millrace::conformance
