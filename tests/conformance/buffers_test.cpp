// How buffers grow, and what they cost: the window by the rate at which the application takes octets, the send
// buffer by the congestion window, both within limits and while memory lasts; and what a flood of segments out
// of order may cost. RFC 9293 §3.8.6 for what must not happen to the window.
#include <algorithm>

#include "scene.h"

namespace millrace::conformance {
namespace {

constexpr uint32_t kText = 1000;

class Buffers : public Scene {
 protected:
  Buffers() {
    params.tcp.receive_buffer = 20'000;
    params.tcp.receive_buffer_max = 400'000;
    params.tcp.timestamps = false;
  }
  // ESTABLISHED with window scaling on both sides.
  Walk& scaled() {
    Walk& w = begin();
    wire::TcpOptions options = mss_option();
    options.window_scale = WindowScale(0);
    w.open(options);
    w.our_scale = scale_for(std::max(params.tcp.receive_buffer, params.tcp.receive_buffer_max)).shift();
    edge = w.v.rcv_nxt + (w.v.rcv_wnd << w.our_scale);
    return w;
  }
  // What our acknowledgements say of the window; it may never have moved left.
  void see() {
    for (const Captured& one : peer().take()) {
      const Seq told = one.segment.ack + (uint32_t{one.segment.window.field()} << walk->our_scale);
      EXPECT_TRUE(told.after_or_at(edge)) << "SHLD-14";
      edge = later(edge, told);
    }
  }
  uint32_t window() const { return edge - walk->v.rcv_nxt; }
  // One round trip of a peer that sends what the window takes, but at most `most`.
  void round(uint32_t most = UINT32_MAX) {
    for (uint32_t left = std::min(window(), most); left >= kText; left -= kText) {
      peer().send(walk->next(wire::kAck, kText));
      walk->v.rcv_nxt += kText;
      see();
    }
    peer().advance(kRoundTrip);
    see();
  }
  const Counters& counters() { return peer().shard().counters(); }
  uint64_t held() { return peer().shard().usage().buffer_bytes; }

  Seq edge;
};

// ---- the receive buffer

TEST_P(Buffers, PeerThatFillsTheWindowEachRoundTrip_GetsALargerOne) {
  scaled();
  EXPECT_LE(window(), 21'000U);
  for (int i = 0; i < 3; ++i) round();
  EXPECT_GE(window(), 60'000U);
  for (int i = 0; i < 12; ++i) round();
  EXPECT_GE(window(), 390'000U);
  EXPECT_LE(window(), params.tcp.receive_buffer_max + 256) << "the limit, and the scale's unit";
  EXPECT_GE(counters().tcp_receive_buffers_grown.value(), 2U);
}

// A slow start doubles each round trip, and the window is never in its way: what a round brought is known one
// later.
TEST_P(Buffers, PeerThatDoublesEachRoundTrip_IsNeverHeldUp) {
  params.tcp.receive_buffer_max = 4'000'000;
  scaled();
  for (uint32_t burst = 10'000; burst < 1'000'000; burst *= 2) {
    EXPECT_GE(window(), burst);
    round(burst);
  }
}

TEST_P(Buffers, PeerThatSendsLittle_GetsNoMore) {
  scaled();
  for (int i = 0; i < 20; ++i) round(5'000);
  EXPECT_LE(walk->app.connection->tcb().cold.receive_buffer, 2 * 5'000U + 16 * 1'460U)
      << "twice what comes, and sixteen segments";
}

TEST_P(Buffers, PeerThatBecomesSlow_KeepsTheWindowThatItHad) {
  scaled();
  for (int i = 0; i < 4 && walk->app.connection->tcb().cold.receive_buffer < 60'000; ++i) round();
  const uint32_t buffer = walk->app.connection->tcb().cold.receive_buffer;
  ASSERT_GE(buffer, 60'000U);
  ASSERT_LT(buffer, params.tcp.receive_buffer_max);
  for (int i = 0; i < 5; ++i) round(5'000);
  EXPECT_EQ(walk->app.connection->tcb().cold.receive_buffer, buffer);
}

// The rate is the application's: what it does not take needs no window.
TEST_P(Buffers, ApplicationThatDoesNotRead_GetsNoMore) {
  Walk& w = scaled();
  w.app.reads = false;
  for (int i = 0; i < 5; ++i) round();
  EXPECT_EQ(w.app.connection->tcb().cold.receive_buffer, params.tcp.receive_buffer);
  EXPECT_LE(w.app.connection->readable_bytes(), params.tcp.receive_buffer + 256);
  w.app.drain(*w.app.connection);
}

// One gulp in a hundred round trips is no rate.
TEST_P(Buffers, ApplicationThatReadsSeldom_GetsNoMore) {
  Walk& w = scaled();
  w.app.reads = false;
  for (int i = 0; i < 10; ++i) {
    round();
    peer().advance(1s);
    w.app.drain(*w.app.connection);
    peer().run();
    see();
  }
  EXPECT_LE(w.app.connection->tcb().cold.receive_buffer, params.tcp.receive_buffer + 16 * 1'460U);
}

TEST_P(Buffers, BufferThatTheApplicationSets_StaysAsItIs) {
  Walk& w = scaled();
  w.app.connection->set_receive_buffer(30'000);
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(w.app.connection->tcb().cold.receive_buffer, 30'000U);
}

TEST_P(Buffers, HalfOfTheMemoryInUse_NothingGrowsAndNothingShrinks) {
  params.memory.buffer_bytes = 256 * 1024;
  params.tcp.send_buffer = 200'000;
  Walk& w = scaled();
  for (int i = 0; i < 2; ++i) round();
  const uint32_t before = window();
  const uint64_t grown = counters().tcp_receive_buffers_grown.value();
  EXPECT_GE(grown, 1U);
  // 140 KB of ours wait, the peer's window being what it is.
  EXPECT_EQ(w.app_send(140'000), 140'000U);
  peer().run();
  peer().take();
  for (int i = 0; i < 6; ++i) round();
  EXPECT_LE(window(), before + 256);
  EXPECT_GE(counters().tcp_receive_buffers_refused.value(), 1U);
  EXPECT_EQ(counters().tcp_receive_buffers_grown.value(), grown);
}

// ---- the send buffer

TEST_P(Buffers, SendBuffer_GrowsWithTheCongestionWindow) {
  params.tcp.send_buffer = 10'000;
  params.tcp.send_buffer_max = 60'000;
  Walk& w = begin();
  w.open();
  EXPECT_EQ(w.app.connection->send_limit(), 29'200U - (GetParam() == Family::V6 ? 400U : 0U));
  for (int i = 0; i < 40; ++i) {
    w.app_send(UINT16_MAX);
    peer().run();
    for (const Captured& one : peer().take()) w.v.snd_nxt = later(w.v.snd_nxt, one.segment.end());
    PeerSegment ack = w.next(wire::kAck);
    ack.window = 65'535;
    peer().send(ack);
  }
  EXPECT_EQ(w.app.connection->send_limit(), 60'000U);
  w.app.connection->set_send_buffer(5'000);
  EXPECT_EQ(w.app.connection->send_limit(), 5'000U) << "set by the application";
}

TEST_P(Buffers, LowWaterMark_HoldsOnWritableBack) {
  params.tcp.send_buffer = 10'000;
  Walk& w = begin();
  w.open();
  ConnectionParams settings = w.app.connection->settings();
  settings.send_low_water = 6'000;
  ASSERT_TRUE(w.app.connection->set(settings));
  EXPECT_EQ(w.app_send(20'000), 10'000U);
  seen();
  w.app.take_events();
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_una + 5'000;
  peer().send(ack);
  EXPECT_EQ(w.app.take_events(), "");
  ack.ack = w.v.snd_una + 6'000;
  peer().send(ack);
  EXPECT_EQ(w.app.take_events(), "writable");
  settings.send_low_water = 1'000'000;
  ASSERT_TRUE(w.app.connection->set(settings));
  EXPECT_EQ(w.app.connection->send_low_water(), 10'000U) << "no more than there can be";
}

// ---- what octets cost

TEST_P(Buffers, HeldPackets_AreChargedAtTheirTrueSize) {
  Walk& w = scaled();
  w.app.reads = false;
  peer().send(w.next(wire::kAck, kText));
  EXPECT_GE(held(), 2'048U) << "the packet's buffer, however little it carries";
  w.v.rcv_nxt += kText;
  w.app.drain(*w.app.connection);
}

// Segments that fill less than half of their packet do not keep it once others wait before them.
TEST_P(Buffers, HalfEmptyPackets_AreNotHeldInNumbers) {
  Walk& w = scaled();
  w.app.reads = false;
  for (int i = 0; i < 20; ++i) {
    peer().send(w.next(wire::kAck, 600));
    w.v.rcv_nxt += 600;
  }
  EXPECT_LE(peer().shard().usage().held_packets, 1U);
  EXPECT_LE(held(), 20 * 600 * 2U);
  w.app.drain(*w.app.connection);
}

// ---- out-of-order floods (a wider SegmentSmack): steps and memory, counted

TEST_P(Buffers, OutOfOrderFlood_CostsBoundedStepsAndMemory) {
  params.tcp.receive_buffer = 300'000;
  params.tcp.receive_buffer_max = 0;
  params.memory.buffer_bytes = 64U << 20;
  Walk& w = scaled();
  const uint64_t before = held();
  constexpr uint32_t kFlood = 20'000;
  const auto& reassembly = w.app.connection->tcb().cold.reassembly;
  uint32_t steps = 0;
  for (uint32_t i = 0; i < kFlood; ++i) {
    PeerSegment piece = w.next(wire::kAck, 1 + i % 3);
    piece.seq = w.v.rcv_nxt + 5 + i * 7'919 % 250'000;
    peer().send(piece);
    peer().take();
    ASSERT_LE(reassembly.steps() - steps, 2 * params.tcp.reassembly_segments) << "walked for one segment";
    steps = reassembly.steps();
    ASSERT_LE(reassembly.runs(), params.tcp.reassembly_segments);
  }
  EXPECT_LE(held() - before, (params.tcp.reassembly_segments + 1) * 2'304U);
}

// Pieces large enough not to be counted: as many runs as the window takes are held, but none is walked for far.
TEST_P(Buffers, OutOfOrderFloodOfLargePieces_CostsBoundedSteps) {
  params.tcp.receive_buffer = 4'000'000;
  params.tcp.receive_buffer_max = 0;
  params.memory.buffer_bytes = 64U << 20;
  Walk& w = scaled();
  const uint64_t before = held();
  constexpr uint32_t kRuns = 3'000, kPiece = 600;
  const auto& reassembly = w.app.connection->tcb().cold.reassembly;
  const auto flood = [&](uint32_t offset) {
    PeerSegment piece = w.next(wire::kAck, kPiece);
    piece.seq = w.v.rcv_nxt + offset;
    peer().send(piece);
    peer().take();
  };
  for (uint32_t i = 0; i < kRuns; ++i) flood((2 * i + 1) * kPiece);
  EXPECT_EQ(reassembly.runs(), kRuns);
  uint32_t steps = reassembly.steps();
  EXPECT_EQ(steps, 0U) << "in order, each behind the one before";
  for (uint32_t i = 0; i < kRuns; ++i) {
    flood((i * 7'919 % kRuns) * 2 * kPiece + 1);
    ASSERT_LE(reassembly.steps() - steps, params.tcp.reassembly_segments) << "walked for one segment";
    steps = reassembly.steps();
  }
  EXPECT_GT(counters().dropped(DropReason::TcpReassemblyFull), 0U);
  EXPECT_LE(held() - before, uint64_t{params.tcp.receive_buffer} * 2'304 / 512);
}

// One loss in a large window: all that comes behind it is held, in one run, without a walk.
TEST_P(Buffers, LargeRunBehindOneGap_IsHeldWholeAndWithoutAWalk) {
  params.tcp.receive_buffer = 1'000'000;
  params.tcp.receive_buffer_max = 0;
  params.memory.buffer_bytes = 16U << 20;
  Walk& w = scaled();
  constexpr uint32_t kSegments = 700;  // more than tcp.reassembly_segments
  for (uint32_t i = 1; i < kSegments; ++i) {
    PeerSegment behind = w.next(wire::kAck, kText);
    behind.seq = w.v.rcv_nxt + i * kText;
    peer().send(behind);
  }
  const auto& reassembly = w.app.connection->tcb().cold.reassembly;
  EXPECT_EQ(reassembly.octets(), (kSegments - 1) * kText);
  EXPECT_EQ(reassembly.runs(), 1U);
  EXPECT_LE(reassembly.steps(), kSegments);
  EXPECT_LE(held(), kSegments * kText * 5 / 4) << "blocks are shared";
  peer().take();
  peer().send(w.next(wire::kAck, kText));
  const Seq end = w.v.rcv_nxt + kSegments * kText;
  EXPECT_EQ(peer().take_one().segment.ack, end);
  w.v.rcv_nxt = end;
  ASSERT_EQ(w.app.received.size(), size_t{kSegments} * kText);
  for (uint32_t i = 0; i < kSegments * kText; ++i)
    ASSERT_EQ(w.app.received[i], Peer::octet_at(end - kSegments * kText + i)) << i;
}

MILLRACE_BOTH_FAMILIES(Buffers);

}  // namespace
}  // namespace millrace::conformance
