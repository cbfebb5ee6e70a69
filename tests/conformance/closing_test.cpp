// Closing (RFC 9293 §3.6, §3.10.4, §3.10.5): FIN in every combination with text, and how the end is told.
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;
using Closes = Scene;

// Figure 12, both sides of it.
TEST_P(Closes, NormalClose_FromOurSide) {
  Walk& w = at(Stage::TimeWait, Opening::Passive);
  EXPECT_EQ(text_of(w.app.path()),
            "LISTEN > SYN-RECEIVED > ESTABLISHED > FIN-WAIT-1 > FIN-WAIT-2 > TIME-WAIT");
}
TEST_P(Closes, NormalClose_FromThePeersSide) {
  Walk& w = at(Stage::LastAck);
  peer().send(w.next(wire::kAck));
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(w.app.take_events(), "closed(finished)");
  EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > ESTABLISHED > CLOSE-WAIT > LAST-ACK > CLOSED");
  EXPECT_EQ(peer().state(), State::Closed) << "no TIME-WAIT for the side that closed second";
}
// Figure 13.
TEST_P(Closes, SimultaneousClose) {
  Walk& w = at(Stage::Closing);
  peer().send(w.next(wire::kAck));
  EXPECT_EQ(peer().state(), State::TimeWait);
  EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > ESTABLISHED > FIN-WAIT-1 > CLOSING > TIME-WAIT");
}

// "Queue this until all preceding SENDs have been segmentized."
TEST_P(Closes, Close_WithTextThatTheWindowHoldsBack_SendsTheFinLast) {
  Walk& w = at(Stage::Established);
  PeerSegment narrow = w.next(wire::kAck);
  narrow.window = 100;
  peer().send(narrow);
  EXPECT_EQ(w.app_send(250), 250U);
  w.app.connection->close();
  Seq next = w.v.snd_nxt;
  const Seq last = next + 250;
  bool fin = false;
  for (int i = 0; i < 50 && !fin; ++i) {
    for (const Captured& one : seen()) {
      EXPECT_EQ(one.segment.seq, next);
      next = one.segment.end();
      fin = one.segment.flags.fin();
      EXPECT_TRUE(!fin || next == last + 1);
    }
    EXPECT_EQ(peer().state(), State::FinWait1) << "in any case";
    narrow.ack = next;
    if (!fin) peer().send(narrow);
    peer().advance(100ms);
  }
  EXPECT_TRUE(fin);
}

TEST_P(Closes, Close_WithTextUnderNagle_SendsTextAndFinTogether) {
  Walk& w = at(Stage::EstablishedSending);
  EXPECT_EQ(w.app_send(30), 30U);
  EXPECT_TRUE(seen().empty());
  w.app.connection->shutdown();
  const std::vector<Captured> sent = seen();
  EXPECT_EQ(text_in(sent), 30U) << "CLOSE implies a push (RFC 9293 §3.8)" << list(sent);
  ASSERT_FALSE(sent.empty());
  EXPECT_TRUE(sent.back().segment.flags.fin());
}

// MUST-12 and SHLD-3.
TEST_P(Closes, Close_WithTextUnread_ResetsAtOnce) {
  for (const Stage stage : {Stage::Established, Stage::CloseWait}) {
    Walk& w = begin();
    w.app.reads = false;
    w.open();
    peer().send(w.next(stage == Stage::CloseWait ? wire::kAck | wire::kFin : wire::kAck, 40));
    peer().take();
    w.app.connection->close();
    const wire::Segment answer = seen().at(0).segment;
    EXPECT_EQ(answer.flags.bits() & ~wire::Flags::kAck, wire::Flags::kRst) << describe(answer);
    EXPECT_EQ(answer.seq, w.v.snd_nxt);
    EXPECT_EQ(peer().state(), State::Closed);
    EXPECT_EQ(w.app.events.back(), "closed(aborted)");
    EXPECT_EQ(clean_up(w), "");
  }
}

TEST_P(Closes, Shutdown_WithTextUnread_ClosesInOrder) {
  Walk& w = begin();
  w.app.reads = false;
  w.open();
  peer().send(w.next(wire::kAck, 40));
  peer().take();
  w.v.rcv_nxt += 40;
  w.shutdown_and_see_fin();
  EXPECT_EQ(peer().state(), State::FinWait1);
  EXPECT_EQ(w.app.connection->readable_bytes(), 40U);
}

// §3.6.1: each direction closes by itself.
TEST_P(Closes, HalfClose_TheOtherDirectionGoesOn) {
  Walk& w = at(Stage::FinWait2);
  for (int i = 0; i < 5; ++i) {
    peer().send(w.next(wire::kAck, 100));
    w.v.rcv_nxt += 100;
    EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt);
  }
  EXPECT_EQ(w.app.received.size(), 500U);

  Walk& other = at(Stage::CloseWait);
  other.send_text(100);
  other.acknowledge();
  other.send_text(100);
  EXPECT_EQ(peer().state(), State::CloseWait);
}

// §3.10.3, CLOSE-WAIT: what is on hand is still read, and the end is told after it.
TEST_P(Closes, PeerFinished_IsToldBehindTheLastOctet) {
  Walk& w = begin();
  w.app.reads = false;
  w.open();
  peer().send(w.next(wire::kAck | wire::kFin, 40));
  EXPECT_EQ(w.app.take_events(), "readable");
  EXPECT_EQ(peer().state(), State::CloseWait);
  EXPECT_TRUE(w.app.connection->peer_finished());
  w.app.drain(*w.app.connection);
  peer().run();
  EXPECT_EQ(w.app.received.size(), 40U);
  EXPECT_EQ(w.app.take_events(), "peer_finished");
}

TEST_P(Closes, FinThatCameEarly_CountsWhenTheGapIsFilled) {
  Walk& w = at(Stage::Established);
  PeerSegment early = w.next(wire::kAck | wire::kFin, 50);
  early.seq = w.v.rcv_nxt + 50;
  peer().send(early);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt);
  EXPECT_EQ(peer().state(), State::Established);
  peer().send(w.next(wire::kAck, 50));
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt + 101);
  EXPECT_EQ(peer().state(), State::CloseWait);
  EXPECT_EQ(w.app.take_events(), "readable peer_finished");
  EXPECT_EQ(w.app.received.size(), 100U);
}

TEST_P(Closes, FinAloneThatCameEarly_CountsWhenTheGapIsFilled) {
  Walk& w = at(Stage::FinWait2);
  PeerSegment early = w.next(wire::kAck | wire::kFin);
  early.seq = w.v.rcv_nxt + 50;
  peer().send(early);
  peer().take();
  peer().send(w.next(wire::kAck, 50));
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt + 51);
  EXPECT_EQ(peer().state(), State::TimeWait);
}

// The acknowledgement of text alone does not acknowledge the FIN behind it.
TEST_P(Closes, FinWait1_AckOfTheTextOnly_StaysUntilTheFinIsAcknowledged) {
  Walk& w = at(Stage::EstablishedSending);
  w.shutdown_and_see_fin();
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_nxt - 1;
  peer().send(ack);
  EXPECT_EQ(peer().state(), State::FinWait1);
  ack.ack = w.v.snd_nxt;
  peer().send(ack);
  EXPECT_EQ(peer().state(), State::FinWait2);

  Walk& last = at(Stage::CloseWaitSending);
  last.shutdown_and_see_fin();
  ack = last.next(wire::kAck);
  ack.ack = last.v.snd_nxt - 1;
  peer().send(ack);
  EXPECT_EQ(peer().state(), State::LastAck);
}

// §3.6: "All segments preceding and including FIN will be retransmitted until acknowledged."
TEST_P(Closes, FinAndTextLost_AreSentAgain) {
  Walk& w = at(Stage::EstablishedSending);
  w.shutdown_and_see_fin();
  peer().advance(w.least_rto(params.tcp) + 20ms);
  std::vector<Captured> again = peer().take();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.front().segment.seq, w.v.snd_una);
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = again.back().segment.end();
  peer().send(ack);
  for (const Captured& one : peer().take()) again.push_back(one);
  EXPECT_EQ(again.back().segment.end(), w.v.snd_nxt) << list(again);
  EXPECT_TRUE(again.back().segment.flags.fin());
}

// §3.6.1: re-opened from TIME-WAIT, the new connection works; the old one's FIN does not disturb it.
TEST_P(Closes, TimeWait_ReopenedBySyn_BecomesAConnection) {
  Walk& w = at(Stage::TimeWait, Opening::Passive);
  const Seq used = w.v.snd_nxt;
  const Seq fresh = w.v.rcv_nxt + 5000;
  peer().send({.flags = wire::kSyn, .seq = fresh, .ack = Seq(), .options = mss_option()});
  const wire::Segment answer = peer().take_one().segment;
  EXPECT_TRUE(answer.seq.after(used));
  peer().send({.flags = wire::kAck, .seq = fresh + 1, .ack = answer.seq + 1, .options = {}});
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(peer().shard().usage().time_wait_records, 0U);
}

// §3.6, case 2 with the peer's FIN on its ACK of ours: three segments.
TEST_P(Closes, ThreeWayClose_FinAndAckTogether) {
  Walk& w = at(Stage::FinWait1);
  peer().send(w.next(wire::kFin | wire::kAck));
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt + 1);
  EXPECT_EQ(peer().state(), State::TimeWait);
  EXPECT_EQ(w.app.take_events(), "peer_finished closed(finished)");
  EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > ESTABLISHED > FIN-WAIT-1 > FIN-WAIT-2 > TIME-WAIT");
}

// What is queued behind a closed window is probed out before the FIN.
TEST_P(Closes, Close_WithUnsentTextAndAClosedWindow_WaitsForTheWindow) {
  Walk& w = at(Stage::Established);
  PeerSegment shut = w.next(wire::kAck);
  shut.window = 0;
  peer().send(shut);
  EXPECT_EQ(w.app_send(250), 250U);
  w.app.connection->close();
  EXPECT_TRUE(seen().empty()) << "neither text nor FIN fits";
  EXPECT_EQ(peer().state(), State::FinWait1);
  for (int i = 0; i < 10; ++i) {
    peer().advance(3s);
    for (const Captured& probe : peer().take()) EXPECT_FALSE(probe.segment.flags.fin()) << "text comes first";
    peer().send(shut);
  }
  PeerSegment open = w.next(wire::kAck);
  peer().send(open);
  Seq end = w.v.snd_nxt;
  for (const Captured& one : seen()) end = later(end, one.segment.end());
  EXPECT_EQ(end, w.v.snd_nxt + 251);
  open.ack = end;
  peer().send(open);
  EXPECT_EQ(peer().state(), State::FinWait2);
}

// The FIN again, while what came with it is acknowledged piece by piece.
TEST_P(Closes, FinLost_TextBeforeItAcknowledged_TheFinAloneGoesAgain) {
  Walk& w = at(Stage::EstablishedSending);
  w.shutdown_and_see_fin();
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_nxt - 1;
  peer().send(ack);
  EXPECT_TRUE(peer().take().empty());
  peer().advance(w.least_rto(params.tcp) + 20ms);
  const wire::Segment again = peer().take_one().segment;
  EXPECT_TRUE(again.flags.fin());
  EXPECT_EQ(again.seq, w.v.snd_nxt - 1);
  EXPECT_EQ(again.payload_length, 0U);
  // The peer's text meanwhile is taken, in FIN-WAIT-1 as ever.
  PeerSegment text = w.next(wire::kAck, 30);
  text.ack = w.v.snd_nxt - 1;
  peer().send(text);
  EXPECT_EQ(w.app.received.size(), 30U);
  w.v.rcv_nxt += 30;
  peer().take();
  peer().send(w.next(wire::kAck));
  EXPECT_EQ(peer().state(), State::FinWait2);
}

// A peer that goes on after our close() learns that nobody reads.
TEST_P(Closes, TextAfterClose_IsAnsweredByRst) {
  for (const Stage stage : {Stage::FinWait1Deaf, Stage::FinWait2Deaf}) {
    Walk& w = at(stage);
    peer().send(w.next(wire::kAck, 40));
    const wire::Segment answer = peer().take_one().segment;
    EXPECT_EQ(answer.flags, wire::kRst);
    EXPECT_EQ(answer.seq, w.v.snd_nxt);
    EXPECT_EQ(peer().state(), State::Closed);
    EXPECT_EQ(w.app.take_events(), "closed(aborted)");
    EXPECT_EQ(clean_up(w), "");
  }
}

MILLRACE_BOTH_FAMILIES(Closes);

}  // namespace
}  // namespace millrace::conformance
