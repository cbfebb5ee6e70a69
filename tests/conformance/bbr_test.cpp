// BBR as the peer sees it (draft-ietf-ccwg-bbr): a pace, and a window that loss does not halve. The model and its
// states are the unit tests' of cc; what becomes of a path and of its other flows, the simulation's.
#include <stdexcept>

#include "cc/bbr.h"
#include "scene.h"

namespace millrace::conformance {
namespace {

constexpr uint32_t kMss = 1000;
constexpr Micros kRtt = kRoundTrip;
using enum cc::Bbr::State;

class Bbr : public Scene {
 protected:
  Bbr() {
    params.tcp.congestion_control = CongestionControl::Bbr;
    params.tcp.timestamps = false;
    params.tcp.send_buffer = 4U << 20;
    params.memory.buffer_bytes = 64U << 20;
  }
  // ESTABLISHED after a round trip of 10 ms, with SACK unless told otherwise and a wide window, `octets` queued.
  Walk& sending(uint32_t octets, bool sack = true) {
    Walk& w = begin(Opening::Active);
    wire::TcpOptions offer = mss_option(kMss);
    offer.sack_permitted = sack;
    offer.window_scale = WindowScale(10);
    w.open(offer);
    first = w.v.snd_nxt;
    if (octets != 0) w.app_send(octets);
    return w;
  }
  uint32_t ack(uint32_t octets, uint32_t left = 0, uint32_t right = 0) {
    PeerSegment segment = walk->next(wire::kAck);
    segment.ack = first + octets;
    segment.window = 20'000;
    if (right != 0) segment.options.sack[segment.options.sack_count++] = {first + left, first + right};
    peer().send(segment);
    return take();
  }
  // Octets of text that have left since the last call.
  uint32_t take() {
    uint32_t octets = 0;
    for (const Captured& one : seen()) {
      octets += one.segment.payload_length;
      if (one.segment.payload_length != 0)
        flown = std::max(flown, one.segment.seq - first + one.segment.payload_length);
    }
    return octets;
  }
  uint32_t leave_in(Micros time) {
    uint32_t octets = take();
    for (Micros passed{}; passed < time; passed += 1ms) {
      peer().advance(1ms);
      octets += take();
    }
    return octets;
  }
  // A round trip: what has left is acknowledged after it, a segment at a time at the rate at which it left.
  void round(Micros rtt = kRtt) {
    leave_in(rtt);
    const uint32_t end = flown;
    const uint32_t acks = std::max(1U, (end - acked) / kMss);
    for (uint32_t i = 0; i < acks; ++i) {
      ack(acked = std::min(end, acked + kMss));
      if (i % 8 == 7) leave_in(1ms);
    }
  }
  void lose_one() {
    leave_in(kRtt);
    for (uint32_t right = 2; right <= 4; ++right) ack(acked, acked + kMss, acked + right * kMss);
  }
  const cc::Bbr& model() const {
    const cc::Bbr* model = walk->app.connection->tcb().cold.cc.model();
    if (model == nullptr) throw std::runtime_error("the connection has no model");
    return *model;
  }
  Bytes cwnd() const { return walk->app.connection->tcb().cold.cc.cwnd(); }
  const Counters& counters() { return peer().shard().counters(); }

  Seq first;
  uint32_t flown = 0, acked = 0;
};

// §5.6.2: 2.77 windows a round trip, so that the initial window takes 3.6 ms.
TEST_P(Bbr, InitialWindow_LeavesAtThePaceOfStartup) {
  sending(400'000);
  EXPECT_EQ(take(), 2 * kMss);
  EXPECT_EQ(leave_in(2ms), 4 * kMss);
  EXPECT_EQ(leave_in(3ms), 4 * kMss);
  EXPECT_EQ(leave_in(3ms), 0U) << "the window is full";
}

TEST_P(Bbr, Startup_TheWindowDoublesARoundTrip) {
  sending(4'000'000);
  for (int i = 0; i < 3; ++i) {
    const Bytes before = cwnd();
    round();
    EXPECT_GE(cwnd(), before * 3 / 2) << i;
    EXPECT_LE(cwnd(), before * 9 / 4) << i;
  }
  EXPECT_EQ(model().state(), Startup);
}

// §5.6.4.4: only RTO and the model's bounds cut the window.
TEST_P(Bbr, OneLoss_LeavesTheWindowAndIsRepairedAtOnce) {
  sending(4'000'000);
  for (int i = 0; i < 3; ++i) round();
  leave_in(kRtt);
  const Bytes before = cwnd();
  lose_one();
  EXPECT_EQ(counters().tcp_recovery_retransmits.value(), 1U);
  EXPECT_GE(cwnd(), before);
  ack(acked = flown);
  EXPECT_GE(cwnd(), before);
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
}

TEST_P(Bbr, TimeOut_LeavesOneSegment) {
  sending(4'000'000);
  for (int i = 0; i < 3; ++i) round();
  leave_in(kRtt);
  const uint64_t before = counters().tcp_timeout_retransmits.value();
  ASSERT_TRUE([&] {
    for (int i = 0; i < 3000 && counters().tcp_rto_fired.value() == 0; ++i) leave_in(1ms);
    return counters().tcp_rto_fired.value() == 1;
  }());
  EXPECT_EQ(cwnd(), kMss);
  EXPECT_EQ(counters().tcp_timeout_retransmits.value(), before + 1);
}

// §5.4: the window stays, and its use is paced.
TEST_P(Bbr, AfterIdle_TheWindowStaysAndNoBurstLeaves) {
  sending(600'000);
  for (int i = 0; i < 12 && acked < 600'000; ++i) round();
  const Bytes before = cwnd();
  ASSERT_GT(before, 20 * kMss);
  peer().advance(2s);
  walk->app_send(600'000);
  EXPECT_LE(take(), before / 2);
  EXPECT_EQ(cwnd(), before);
}

TEST_P(Bbr, Algorithm_OfAConnectionThatIsOpen_TheWindowStays) {
  params.tcp.congestion_control = CongestionControl::Cubic;
  Walk& w = sending(4'000'000);
  for (int i = 0; i < 3; ++i) round();
  for (const auto algorithm : {CongestionControl::Bbr, CongestionControl::NewReno, CongestionControl::Bbr}) {
    const Bytes before = cwnd();
    ConnectionParams settings = w.app.connection->settings();
    settings.congestion_control = algorithm;
    ASSERT_TRUE(w.app.connection->set(settings));
    EXPECT_EQ(w.app.connection->congestion_control(), algorithm);
    EXPECT_EQ(cwnd(), before);
    EXPECT_EQ(w.app.connection->tcb().hot.flags.paced, algorithm == CongestionControl::Bbr);
    round();
    EXPECT_GE(cwnd(), before);
  }
}

TEST_P(Bbr, Algorithm_OfAListener) {
  params.tcp.congestion_control = CongestionControl::Cubic;
  Walk& w = begin(Opening::Passive);
  w.half_open();
  ConnectionParams settings;
  settings.congestion_control = CongestionControl::Bbr;
  ASSERT_TRUE(peer().shard().set_listening(peer().ours(), settings));
  peer().send(w.next(wire::kAck));
  peer().take();
  ASSERT_NE(w.app.connection, nullptr);
  EXPECT_EQ(w.app.connection->congestion_control(), CongestionControl::Bbr);
}

// What is always there gives way to no model.
TEST_P(Bbr, WithoutMemoryForItsModel_ItIsCubic) {
  params.memory.buffer_bytes = 1024;
  sending(0);
  EXPECT_EQ(walk->app.connection->congestion_control(), CongestionControl::Cubic);
}

TEST_P(Bbr, PeerWithoutSack_IsSentToAllTheSame) {
  sending(400'000, false);
  for (int i = 0; i < 3; ++i) round();
  leave_in(kRtt);
  for (int i = 0; i < 4; ++i) ack(acked);
  EXPECT_EQ(counters().tcp_fast_retransmits.value(), 1U);
  ack(acked = flown);
  round();
  EXPECT_GT(leave_in(kRtt), 0U);
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
}

// Whoever writes little and often is not taken for a slow path.
TEST_P(Bbr, LittleToSend_IsMarkedAndDoesNotEndStartup) {
  Walk& w = sending(0);
  for (int i = 0; i < 20; ++i) {
    w.app_send(3 * kMss);
    round();
  }
  EXPECT_EQ(model().state(), Startup);
  EXPECT_TRUE(model().delivery().app_limited());
}

MILLRACE_BOTH_FAMILIES(Bbr);

}  // namespace
}  // namespace millrace::conformance
