// Managing the window (RFC 9293 §3.8.6): zero windows of both sides, silly windows, windows that shrink.
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class Windows : public Scene {
 protected:
  // ESTABLISHED with our window filled: the application does not read.
  Walk& with_our_window_closed() {
    Walk& w = at(Stage::Established);
    w.app.reads = false;
    const uint32_t window = w.v.rcv_wnd;
    peer().send(w.next(wire::kAck, window));
    w.v.rcv_nxt += window;
    const wire::Segment full = peer().take_one().segment;
    EXPECT_EQ(full.window.field(), 0U);
    w.v.rcv_wnd = 0;
    w.app.take_events();
    return w;
  }
  void expect_ack(uint16_t window) {
    const std::vector<Captured> seen_now = seen();
    ASSERT_EQ(seen_now.size(), 1U) << list(seen_now);
    const wire::Segment& ack = seen_now[0].segment;
    EXPECT_EQ(ack.flags, wire::kAck);
    EXPECT_EQ(ack.seq, walk->v.snd_nxt);
    EXPECT_EQ(ack.ack, walk->v.rcv_nxt);
    EXPECT_EQ(ack.window.field(), window);
  }
  PeerSegment window_of(uint16_t octets) {
    PeerSegment segment = walk->next(wire::kAck);
    segment.ack = walk->v.snd_una;
    segment.window = octets;
    return segment;
  }
};

// §3.8.6.1: "it must still send an acknowledgment showing its next expected sequence number and current
// window".
TEST_P(Windows, OurZeroWindow_AProbeIsAcknowledgedAndNotTaken) {
  Walk& w = with_our_window_closed();
  peer().send(w.next(wire::kAck, 1));
  expect_ack(0);
  EXPECT_EQ(w.app.connection->readable_bytes(), 900U);
}

// MUST-66 and "special allowance should be made to accept valid ACKs, URGs, and RSTs".
TEST_P(Windows, OurZeroWindow_AcksCount) {
  Walk& w = with_our_window_closed();
  w.send_text(100);
  w.acknowledge();
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U);
  w.send_text(50);
  peer().send(w.next(wire::kAck, 1));
  expect_ack(0);
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U) << "the acknowledgement in a probe";
}
TEST_P(Windows, OurZeroWindow_ExactRstResets) {
  Walk& w = with_our_window_closed();
  peer().send(w.next(wire::kRst));
  EXPECT_EQ(peer().state(), State::Closed);
  EXPECT_TRUE(peer().take().empty());
}
TEST_P(Windows, OurZeroWindow_AnotherRstIsDropped) {
  Walk& w = with_our_window_closed();
  PeerSegment rst = w.next(wire::kRst);
  rst.seq = w.v.rcv_nxt + 1;
  peer().send(rst);
  rst.seq = w.v.rcv_nxt - 1;
  peer().send(rst);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().state(), State::Established);
}
TEST_P(Windows, OurZeroWindow_UrgentProbeDoesNoHarm) {
  Walk& w = with_our_window_closed();
  PeerSegment urgent = w.next(wire::kAck | wire::kUrg, 1);
  urgent.urgent_pointer = 1;
  peer().send(urgent);
  expect_ack(0);
}

// §3.8.6.2.2 and MUST-39: told when min(RCV.BUFF / 2, Eff.snd.MSS) is to be had, not octet by octet.
TEST_P(Windows, OurWindow_OpensInOneStepNotInSillyOnes) {
  Walk& w = with_our_window_closed();
  // 100 octets of the buffer had not been offered yet: with 300 more that makes 400.
  for (int i = 0; i < 3; ++i) {
    w.app.connection->consume(100);
    EXPECT_TRUE(seen().empty()) << "400 of 1000 octets are not worth telling";
  }
  peer().send(w.next(wire::kAck, 1));
  expect_ack(0);
  w.app.connection->consume(300);
  const std::vector<Captured> update = seen();
  ASSERT_EQ(update.size(), 1U);
  EXPECT_GE(update[0].segment.window.field(), 500U);
}

// SHLD-14: whatever we are sent and whatever is read, the right edge never moves left.
TEST_P(Windows, OurRightEdge_NeverMovesLeft) {
  Walk& w = begin();
  w.app.reads = false;
  w.open();
  Seq edge = w.v.rcv_edge();
  for (uint32_t i = 0; i < 12; ++i) {
    peer().send(w.next(wire::kAck, 70));
    for (const Captured& one : peer().take()) {
      const Seq told = one.segment.ack + one.segment.window.field();
      EXPECT_TRUE(told.after_or_at(edge));
      edge = later(edge, told);
    }
    w.v.rcv_nxt += 70;
    if (i % 3 == 2) w.app.connection->consume(30);
  }
}

// MUST-34, SHLD-15: nothing new beyond a window that shrank; SHLD-17, MUST-37: and the connection lives.
TEST_P(Windows, PeersWindowShrinks_NothingNewLeavesAndItIsProbed) {
  Walk& w = at(Stage::EstablishedSending);
  peer().send(window_of(20));
  w.app.connection->set_no_delay(true);
  EXPECT_EQ(w.app_send(500), 500U);
  EXPECT_TRUE(seen().empty()) << "the usable window is negative";
  peer().send(window_of(0));
  for (int i = 0; i < 30; ++i) {
    peer().advance(5s);
    for (const Captured& one : peer().take()) EXPECT_TRUE(one.segment.seq.before(w.v.snd_nxt));
    peer().send(window_of(0));
    peer().take();
  }
  EXPECT_EQ(peer().state(), State::Established) << "the peer answers: it lives";
  peer().send(window_of(10'000));
  Seq end = w.v.snd_una;
  for (int i = 0; i < 10; ++i) {
    for (const Captured& one : peer().take()) end = later(end, one.segment.end());
    PeerSegment ack = w.next(wire::kAck);
    ack.ack = end;
    peer().send(ack);
    peer().advance(100ms);
  }
  EXPECT_EQ(end, w.v.snd_nxt + 500) << "when the window opens everything leaves";
}

// SHLD-16.
TEST_P(Windows, PeersWindowShrinks_WhatFitsIsSentAgain) {
  Walk& w = at(Stage::EstablishedSending);
  peer().send(window_of(20));
  peer().advance(params.tcp.rto_min + 20ms);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].segment.seq, w.v.snd_una);
  EXPECT_GE(again[0].segment.payload_length, 20U);
}

// MUST-1: 65535 octets are a large window, not a negative one.
TEST_P(Windows, PeersWindow_IsUnsigned) {
  params.tcp.initial_window_segments = 64;
  Walk& w = begin();
  w.open(mss_option(1000));
  peer().send(window_of(65'535));
  EXPECT_EQ(w.app_send(64'000), 64'000U);
  EXPECT_EQ(text_in(seen()), 64'000U);
}

// Never more than the peer offers.
TEST_P(Windows, PeersWindow_IsNotOverrun) {
  Walk& w = begin();
  w.open(mss_option(1000));
  peer().send(window_of(2'500));
  EXPECT_EQ(w.app_send(10'000), 10'000U);
  EXPECT_LE(text_in(seen()), 2'500U);
}

// §3.8.6.2.1 (MUST-38): a sliver of window with data in flight is left alone.
TEST_P(Windows, PeersSillyWindow_IsNotFilled) {
  Walk& w = begin();
  w.open(mss_option(1000));
  peer().send(window_of(4'000));
  EXPECT_EQ(w.app_send(10'000), 10'000U);
  EXPECT_EQ(text_in(seen()), 4'000U);
  w.v.snd_nxt += 4'000;
  PeerSegment sliver = w.next(wire::kAck);
  sliver.ack = w.v.snd_una + 1'000;
  sliver.window = 3'050;
  peer().send(sliver);
  EXPECT_TRUE(peer().take().empty()) << "50 octets of usable window";
  sliver.ack = w.v.snd_una + 2'000;
  sliver.window = 3'000;
  peer().send(sliver);
  EXPECT_EQ(text_in(peer().take()), 1'000U);
}

// §3.10.7.4, fifth: SND.WL1 and SND.WL2 keep old segments from changing the window.
TEST_P(Windows, WindowOfASegmentThatWasOvertaken_IsNotTaken) {
  Walk& w = at(Stage::Established);
  PeerSegment newer = w.next(wire::kAck, 10);
  newer.seq = w.v.rcv_nxt + 100;
  newer.window = 5'000;
  peer().send(newer);
  PeerSegment overtaken = w.next(wire::kAck, 100);
  overtaken.window = 0;
  peer().send(overtaken);
  peer().take();
  EXPECT_EQ(w.app_send(300), 300U);
  EXPECT_EQ(text_in(seen()), 300U);
}
TEST_P(Windows, WindowOfAnOldAck_IsNotTaken) {
  Walk& w = at(Stage::Established);
  PeerSegment old = window_of(0);
  old.ack = w.v.snd_una - 10;
  peer().send(old);
  EXPECT_EQ(w.app_send(300), 300U);
  EXPECT_EQ(text_in(seen()), 300U);
}

// The deviation "right edge": a peer that has filled our window acknowledges from there.
TEST_P(Windows, Deviation_AckAtTheRightEdge_Counts) {
  Walk& w = at(Stage::EstablishedSending);
  PeerSegment ack = w.next(wire::kAck);
  ack.seq = w.v.rcv_edge();
  peer().send(ack);
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U);
}

MILLRACE_BOTH_FAMILIES(Windows);

}  // namespace
}  // namespace millrace::conformance
