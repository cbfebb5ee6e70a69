// Text in both directions (RFC 9293 §3.7, §3.8): reassembly, segmentation, Nagle, retransmission, congestion.
#include "scene.h"

namespace millrace::conformance {
namespace {

using Transfers = Scene;

// Whether the application has read `octets` from `first` on, each the right one.
bool read_in_order(const Recorder& app, Seq first, uint32_t octets) {
  if (app.received.size() != octets) return false;
  for (uint32_t i = 0; i < octets; ++i)
    if (app.received[i] != Peer::octet_at(first + i)) return false;
  return true;
}

// SHLD-31, and "only the new parts are processed": pieces of any order and overlap give the stream.
TEST_P(Transfers, PiecesInAnyOrderAndOverlap_BecomeTheStream) {
  Walk& w = at(Stage::Established);
  const Seq first = w.v.rcv_nxt;
  struct Piece {
    uint32_t offset, length;
  };
  // The last two fill the gaps and reach into what is held on both sides.
  const Piece pieces[] = {{600, 100}, {300, 100}, {350, 100}, {250, 60}, {500, 150},
                          {100, 50},  {0, 20},    {10, 200},  {205, 50}, {430, 90}};
  for (const Piece& piece : pieces) {
    PeerSegment segment = w.next(wire::kAck, piece.length);
    segment.seq = first + piece.offset;
    peer().send(segment);
    EXPECT_EQ(peer().take().size(), 1U) << "each at once (RFC 5681 §4.2)";
  }
  EXPECT_TRUE(read_in_order(w.app, first, 700));
  PeerSegment ask = w.next(wire::kAck);
  ask.seq = first - 1;
  peer().send(ask);
  EXPECT_EQ(peer().take_one().segment.ack, first + 700);
}

TEST_P(Transfers, GapFilled_AcknowledgesEverythingHeld) {
  Walk& w = at(Stage::Established);
  const Seq first = w.v.rcv_nxt;
  for (const uint32_t offset : {100U, 200U, 300U}) {
    PeerSegment ahead = w.next(wire::kAck, 100);
    ahead.seq = first + offset;
    peer().send(ahead);
    EXPECT_EQ(peer().take_one().segment.ack, first);
  }
  peer().send(w.next(wire::kAck, 100));
  EXPECT_EQ(peer().take_one().segment.ack, first + 400);
  EXPECT_TRUE(read_in_order(w.app, first, 400));
}

// What came past the edge was cut off: it is not there when the gap before it is filled.
TEST_P(Transfers, HeldPastTheWindow_IsTrimmedToIt) {
  Walk& w = at(Stage::Established);
  w.app.reads = false;
  const Seq first = w.v.rcv_nxt;
  const uint32_t window = w.v.rcv_wnd;
  PeerSegment ahead = w.next(wire::kAck, 200);
  ahead.seq = first + window - 100;
  peer().send(ahead);
  peer().take();
  peer().send(w.next(wire::kAck, window - 100));
  EXPECT_EQ(peer().take_one().segment.ack, first + window);
  EXPECT_EQ(w.app.connection->readable_bytes(), window);
}

// MUST-58, MUST-59: a burst is processed whole before it is acknowledged.
TEST_P(Transfers, BurstInOrder_IsAcknowledgedOnce) {
  Walk& w = at(Stage::Established);
  for (uint32_t i = 0; i < 4; ++i) {
    PeerSegment segment = w.next(wire::kAck, 100);
    segment.seq = w.v.rcv_nxt + 100 * i;
    peer().enqueue(segment);
  }
  peer().run();
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt + 400);
}

// MUST-3.
TEST_P(Transfers, DamagedSegment_IsAsIfItHadNotCome) {
  Walk& w = at(Stage::Established);
  std::vector<uint8_t> frame = peer().frame_of(w.next(wire::kAck, 100));
  frame.back() ^= 0x40;
  peer().send_frame(frame);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_TRUE(w.app.received.empty());
}

// SHLD-28, MUST-16, MUST-61: full segments, and PSH on the last of what was written.
TEST_P(Transfers, LongSend_LeavesInFullSegmentsWithPshOnTheLast) {
  params.tcp.timestamps = false;
  Walk& w = at(Stage::Established);
  const uint32_t mss = full_mss();
  EXPECT_EQ(w.app_send(3 * mss + 100), 3 * mss + 100);
  const std::vector<Captured> first = seen();
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = first.back().segment.end();
  peer().send(ack);
  std::vector<Captured> all = first;
  for (Captured& one : peer().take()) all.push_back(one);
  ASSERT_EQ(all.size(), 4U) << list(all);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(all[i].segment.payload_length, mss);
  EXPECT_EQ(all[3].segment.payload_length, 100U);
  EXPECT_TRUE(all[3].segment.flags.psh());
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = 0; j < all[i].payload.size(); ++j)
      ASSERT_EQ(all[i].payload[j], static_cast<uint8_t>(i * mss + j)) << "segment " << i << ", octet " << j;
}

// RFC 9293 §3.9.1.2 leaves it to us: with `push_bursts` PSH is where the windows stop a burst, too, and with
// `push_segments` after every so many segments of it, or half the congestion window.
TEST_P(Transfers, PushBursts_PshEndsWhatLeavesAtOnceAndItsParts) {
  params.tcp.timestamps = false;
  params.tcp.initial_window_segments = 8;
  const auto pushed = [this](uint32_t segments) {
    params.tcp.push_segments = segments;
    Walk& w = at(Stage::Established);
    w.app_send(20 * full_mss());
    std::vector<size_t> where;
    const std::vector<Captured> sent = seen();
    for (size_t i = 0; i < sent.size(); ++i)
      if (sent[i].segment.flags.psh()) where.push_back(i + 1);
    return where;
  };
  EXPECT_EQ(pushed(0), std::vector<size_t>());
  params.tcp.push_bursts = true;
  EXPECT_EQ(pushed(0), std::vector<size_t>{8});
  EXPECT_EQ(pushed(3), (std::vector<size_t>{3, 6, 8}));
  EXPECT_EQ(pushed(16), (std::vector<size_t>{4, 8}));
}

// SHLD-7 and MUST-17.
TEST_P(Transfers, Nagle_HoldsASmallSegmentUntilTheAckAndCanBeSwitchedOff) {
  Walk& w = at(Stage::EstablishedSending);
  EXPECT_EQ(w.app_send(10), 10U);
  EXPECT_EQ(w.app_send(10), 10U);
  EXPECT_TRUE(seen().empty());
  peer().send(w.next(wire::kAck));
  const std::vector<Captured> together = peer().take();
  ASSERT_EQ(together.size(), 1U);
  EXPECT_EQ(together[0].segment.payload_length, 20U);

  Walk& other = at(Stage::EstablishedSending);
  other.app.connection->set_no_delay(true);
  EXPECT_EQ(other.app_send(10), 10U);
  EXPECT_EQ(text_in(seen()), 10U);
}

// draft-minshall-nagle-01 §2: only a small segment waits, and only for a small one.
TEST_P(Transfers, Nagle_EndOfALongWriteFollowsItsFullSegmentsAtOnce) {
  Walk& w = at(Stage::Established);
  const uint32_t mss = w.app.connection->tcb().hot.mss;
  EXPECT_EQ(w.app_send(2 * mss + 100), 2 * mss + 100);
  EXPECT_EQ(text_in(seen()), 2 * mss + 100);
  EXPECT_EQ(w.app_send(100), 100U);
  EXPECT_EQ(text_in(seen()), 0U) << "100 octets are in flight already";
  EXPECT_EQ(w.app_send(mss), mss);
  EXPECT_EQ(text_in(seen()), mss) << "a full segment never waits";
}

// MUST-60: nothing is kept back for want of a PUSH.
TEST_P(Transfers, SmallSendWithNothingInFlight_LeavesAtOnce) {
  Walk& w = at(Stage::Established);
  EXPECT_EQ(w.app_send(1), 1U);
  const std::vector<Captured> sent = seen();
  EXPECT_EQ(text_in(sent), 1U);
  EXPECT_TRUE(sent.back().segment.flags.psh());
}

// A partial acknowledgement moves SND.UNA: the retransmission begins behind it.
TEST_P(Transfers, PartialAck_IsTaken) {
  Walk& w = at(Stage::EstablishedSending);
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_una + 40;
  peer().send(ack);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 60U);
  peer().advance(params.tcp.rto_min + 20ms);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].segment.seq, w.v.snd_una + 40);
  EXPECT_EQ(again[0].segment.payload_length, 60U);
  EXPECT_EQ(again[0].payload.front(), 40U) << "the right octets";
}

TEST_P(Transfers, AckOfUnsent_ChangesNothing) {
  Walk& w = at(Stage::EstablishedSending);
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_nxt + 1;
  peer().send(ack);
  peer().take();
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), kExchanged);
}

// MUST-18: no sample from what was sent twice; RFC 6298 §5.5 to §5.7 in the intervals around it.
TEST_P(Transfers, Karn_ARetransmittedSegmentGivesNoSample) {
  params.tcp.timestamps = false;
  Walk& w = at(Stage::EstablishedSending);
  const Micros rto = w.least_rto(params.tcp);
  peer().advance(rto + 10ms);  // sent again
  EXPECT_EQ(peer().take().size(), 1U);
  peer().advance(350ms);
  w.acknowledge();
  // Taken as a sample, 560 ms would give an RTO above 600 ms. Without one the backoff stays (§5.5).
  w.send_text(10);
  peer().advance(2 * rto - 10ms);
  EXPECT_TRUE(peer().take().empty()) << "the backed-off RTO holds until there is a sample";
  peer().advance(20ms);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 1U) << "and it is the one from before the loss, doubled once";
  w.v.snd_nxt = again[0].segment.end();
  w.acknowledge();
  // RFC 9293 §3.8.2: until new data has been acknowledged without retransmission.
  w.send_text(10);
  peer().advance(kRoundTrip);
  w.acknowledge();
  w.send_text(10);
  peer().advance(w.least_rto(params.tcp) + 10ms);
  EXPECT_EQ(peer().take().size(), 1U) << "a sample has ended the backoff";
  w.acknowledge();
}

// RFC 6298 §2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR.
TEST_P(Transfers, Rto_FollowsTheRoundTrip) {
  params.tcp.timestamps = false;
  Walk& w = begin();
  w.connect();
  peer().advance(150ms);
  peer().send(
      {.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = mss_option()});
  peer().take();
  w.v.rcv_nxt = w.v.irs + 1;
  w.send_text(10);
  peer().advance(440ms);
  EXPECT_TRUE(peer().take().empty()) << "3 * 150 ms are not over";
  peer().advance(30ms);
  EXPECT_EQ(peer().take().size(), 1U);
}

// MUST-19: slow start from the initial window, one segment after a time-out (RFC 5681 §3.1, RFC 6928).
TEST_P(Transfers, SlowStart_FromTheInitialWindowAndFromOneSegmentAfterATimeout) {
  params.tcp.timestamps = false;
  params.tcp.initial_window_segments = 4;
  params.tcp.congestion_control = CongestionControl::NewReno;
  Walk& w = begin();
  w.open(mss_option(1000));
  EXPECT_EQ(w.app_send(40'000), 40'000U);
  EXPECT_EQ(text_in(seen()), 4'000U);
  w.v.snd_nxt += 4'000;
  peer().send(w.next(wire::kAck));
  w.v.snd_una = w.v.snd_nxt;
  // RFC 5681 (2): by one segment for an acknowledgement; the deviation "slow-start" by up to two.
  const uint32_t second = text_in(peer().take());
  EXPECT_GE(second, 5'000U);
  EXPECT_LE(second, 6'000U);
  w.v.snd_nxt += second;
  peer().advance(params.tcp.rto_min + 10ms);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 1U) << "the loss window is one segment" << list(again);
  EXPECT_EQ(again[0].segment.seq, w.v.snd_una);
}

// RFC 5681 §3.2: the third duplicate, and not the second.
TEST_P(Transfers, FastRetransmit_AfterThreeDuplicateAcks) {
  params.tcp.timestamps = false;
  Walk& w = begin();
  w.open(mss_option(1000));
  EXPECT_EQ(w.app_send(8'000), 8'000U);
  EXPECT_EQ(text_in(seen()), 8'000U);
  PeerSegment duplicate = w.next(wire::kAck);
  for (int i = 0; i < 2; ++i) {
    peer().send(duplicate);
    for (const Captured& one : peer().take()) EXPECT_NE(one.segment.seq, w.v.snd_una);
  }
  peer().send(duplicate);
  const std::vector<Captured> again = peer().take();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].segment.seq, w.v.snd_una);
  EXPECT_EQ(again[0].segment.payload_length, 1'000U);
}

// SHLD-11.
TEST_P(Transfers, GivingUp_TakesAHundredSecondsByDefault) {
  params.tcp.data_retries = TcpParams().data_retries;
  Walk& w = at(Stage::EstablishedSending);
  peer().advance(100s);
  EXPECT_EQ(peer().state(), tcp::State::Established);
  peer().take();
  w.acknowledge();
}

// MUST-30 to MUST-33 have a deviation; what is left of them: urgent data arrives in line, none is lost.
TEST_P(Transfers, UrgentData_StaysInLine) {
  Walk& w = at(Stage::Established);
  const Seq first = w.v.rcv_nxt;
  PeerSegment urgent = w.next(wire::kAck | wire::kUrg, 100);
  urgent.urgent_pointer = 60'000;
  peer().send(urgent);
  urgent.seq = first + 100;
  urgent.urgent_pointer = 0;
  peer().send(urgent);
  EXPECT_TRUE(read_in_order(w.app, first, 200));
}

MILLRACE_BOTH_FAMILIES(Transfers);

}  // namespace
}  // namespace millrace::conformance
