// The receiver's side of Explicit Congestion Notification (RFC 3168 §6.1.3): CE comes back as ECE, on everything,
// until CWR comes.
#include "ecn_scene.h"

namespace millrace::conformance {
namespace {

class EcnReceiver : public EcnScene {
 protected:
  // What the next acknowledgement of ours says, delayed or not.
  bool echo_on() {
    const std::optional<wire::Segment> answer = answer_to(text(100));
    if (answer) return has_ece(*answer);
    peer().advance(50ms);
    return has_ece(peer().take_one().segment);
  }
  // CE has come and ECE has left.
  void begin_echo() {
    open();
    const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
    ASSERT_TRUE(answer && has_ece(*answer));
  }
};

// As Linux does: the peer may have much in flight behind the mark.
TEST_P(EcnReceiver, Ce_EndsTheDelayOfItsAcknowledgement) {
  open();
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(has_ece(*answer));
  EXPECT_EQ(answer->ack, walk->v.rcv_nxt);
  EXPECT_EQ(answer->ecn, wire::kNotEct) << "RFC 3168 §6.1.4: no ECT on a pure ACK";
  EXPECT_EQ(counters().tcp_ecn_ce_received.value(), 1U);
}

TEST_P(EcnReceiver, DelayedAcknowledgement_SpeaksForBothSegments) {
  open();
  answer_to(text(100));  // opens the window further than the SYN could
  EXPECT_FALSE(answer_to(text(100))) << "delayed";
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(has_ece(*answer));
  EXPECT_EQ(answer->ack, walk->v.rcv_nxt);
}

TEST_P(EcnReceiver, Ect_IsNoCongestion) {
  open();
  for (const uint8_t codepoint : {wire::kEct0, wire::kEct1, wire::kNotEct}) {
    answer_to(text(100, codepoint));
    EXPECT_FALSE(echo_on());
  }
}

TEST_P(EcnReceiver, Echo_LastsUntilCwr) {
  begin_echo();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(echo_on());
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kEct0, wire::kCwr));
  ASSERT_TRUE(answer) << "at once: the peer's window may be a single segment";
  EXPECT_FALSE(has_ece(*answer));
  EXPECT_FALSE(echo_on());
}

// Data acknowledges, too.
TEST_P(EcnReceiver, Echo_IsOnDataToo) {
  begin_echo();
  const std::vector<Captured> out = say(2 * kMss);
  ASSERT_EQ(out.size(), 2U) << list(out);
  for (const Captured& one : out) {
    EXPECT_TRUE(has_ece(one.segment));
    EXPECT_EQ(one.segment.ecn, wire::kEct0);
  }
}

TEST_P(EcnReceiver, CeAgainWhileEchoing_DoesNotHurryAgain) {
  begin_echo();
  EXPECT_FALSE(answer_to(text(100, wire::kCe))) << "delayed";
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(has_ece(*answer));
  EXPECT_EQ(counters().tcp_ecn_ce_received.value(), 3U);
}

TEST_P(EcnReceiver, CeAfterCwr_BeginsAnew) {
  begin_echo();
  answer_to(text(100, wire::kEct0, wire::kCwr));
  EXPECT_FALSE(echo_on());
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
  ASSERT_TRUE(answer && has_ece(*answer));
  EXPECT_TRUE(echo_on());
}

// Both on one segment: the peer has reduced, and meets congestion again.
TEST_P(EcnReceiver, CwrWithCe_BeginsAnew) {
  begin_echo();
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe, wire::kCwr));
  ASSERT_TRUE(answer && has_ece(*answer));
  EXPECT_TRUE(echo_on());
}

// ---- several segments at once: one acknowledgement speaks for all

TEST_P(EcnReceiver, Burst_AnyCeInIt_IsEchoed) {
  for (const uint32_t marked : {0U, 1U, 2U}) {
    walk.reset();
    open();
    for (uint32_t i = 0; i < 3; ++i) peer().enqueue(text(100, i == marked ? wire::kCe : wire::kEct0));
    const std::vector<Captured> out = seen();
    ASSERT_EQ(out.size(), 1U) << list(out);
    EXPECT_TRUE(has_ece(out[0].segment)) << marked;
    EXPECT_EQ(clean_up(*walk), "");
  }
}

// A CWR behind a CE that no ECE has told of answers something else: a loss, or the peer's restart.
TEST_P(EcnReceiver, Burst_CeThenCwr_TheEchoIsStillOwed) {
  open();
  peer().enqueue(text(100, wire::kCe));
  peer().enqueue(text(100, wire::kEct0, wire::kCwr));
  const std::vector<Captured> out = seen();
  ASSERT_EQ(out.size(), 1U) << list(out);
  EXPECT_TRUE(has_ece(out[0].segment));
  EXPECT_TRUE(echo_on());
  answer_to(text(100, wire::kEct0, wire::kCwr));
  EXPECT_FALSE(echo_on());
}

// While the echo lasts the marks ahead of the CWR are of the window that it answers for (deviation
// ecn-burst).
TEST_P(EcnReceiver, Burst_CeThenTheAnswerToTheEcho_EndsIt) {
  begin_echo();
  peer().enqueue(text(100, wire::kCe));
  peer().enqueue(text(100, wire::kEct0, wire::kCwr));
  const std::vector<Captured> out = seen();
  ASSERT_EQ(out.size(), 1U) << list(out);
  EXPECT_FALSE(has_ece(out[0].segment));
  EXPECT_FALSE(echo_on());
}

TEST_P(EcnReceiver, Burst_CwrThenCe_BeginsAnew) {
  begin_echo();
  peer().enqueue(text(100, wire::kEct0, wire::kCwr));
  peer().enqueue(text(100, wire::kCe));
  const std::vector<Captured> out = seen();
  ASSERT_EQ(out.size(), 1U) << list(out);
  EXPECT_TRUE(has_ece(out[0].segment));
  EXPECT_TRUE(echo_on());
}

// ---- what does not count

// RFC 3168 §6.1.4, §6.1.5: text within the window alone.
TEST_P(EcnReceiver, CeElsewhere_IsNotEchoed) {
  open();
  answer_to(text(100));
  PeerSegment pure = walk->next(wire::kAck);
  pure.ecn = wire::kCe;
  PeerSegment again = walk->next(wire::kAck, 100);
  again.seq = walk->v.rcv_nxt - 100;
  again.ecn = wire::kCe;
  PeerSegment beyond = walk->next(wire::kAck, 100);
  beyond.seq = walk->v.rcv_nxt + 200'000;
  beyond.ecn = wire::kCe;
  for (const PeerSegment& segment : {pure, again, beyond}) {
    for (const Captured& one : after(segment)) EXPECT_FALSE(has_ece(one.segment));
    EXPECT_FALSE(echo_on());
  }
  EXPECT_EQ(counters().tcp_ecn_ce_received.value(), 0U);
}

TEST_P(EcnReceiver, CwrElsewhere_DoesNotEndTheEcho) {
  begin_echo();
  PeerSegment pure = walk->next(wire::kAck | wire::kCwr);
  PeerSegment again = walk->next(wire::kAck | wire::kCwr, 100);
  again.seq = walk->v.rcv_nxt - 100;
  for (const PeerSegment& segment : {pure, again}) {
    after(segment);
    EXPECT_TRUE(echo_on());
  }
}

TEST_P(EcnReceiver, CeOutOfOrder_IsOnTheDuplicateAcknowledgement) {
  open();
  PeerSegment early = walk->next(wire::kAck, 100);
  early.seq = walk->v.rcv_nxt + 100;
  early.ecn = wire::kCe;
  const std::optional<wire::Segment> answer = answer_to(early);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(has_ece(*answer));
  EXPECT_EQ(answer->ack, walk->v.rcv_nxt);
}

// RFC 9293 §3.10.7.4: text is taken until the peer's FIN.
TEST_P(EcnReceiver, Ce_AfterOurFin_IsEchoed) {
  open();
  walk->app.connection->shutdown();
  leave();
  const std::optional<wire::Segment> answer = answer_to(text(100, wire::kCe));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(has_ece(*answer));
}

// Header prediction learns what is ordinary: ECT costs its way once.
TEST_P(EcnReceiver, Ect_DoesNotLeaveTheFastPath) {
  open();
  for (int i = 0; i < 10; ++i) answer_to(text(100));
  EXPECT_GE(counters().tcp_fast_path_data.value(), 9U);
}

TEST_P(EcnReceiver, Counts_AreShownOfTheConnection) {
  begin_echo();
  answer_to(text(100, wire::kCe));
  std::vector<shard::ConnectionRow> rows;
  peer().shard().copy_connections(0, 8, rows);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].ecn);
  EXPECT_EQ(rows[0].ecn_ce_received, 2U);
}

MILLRACE_BOTH_FAMILIES(EcnReceiver);

}  // namespace
}  // namespace millrace::conformance
