// Urgent data (RFC 9293 §3.8.5, RFC 6093): a mark in the stream, in both directions.
#include "scene.h"

namespace millrace::conformance {
namespace {

class Urgent : public Scene {
 protected:
  // The peer's text with the mark `mark` octets behind its first.
  void send_marked(uint32_t octets, uint16_t mark) {
    PeerSegment segment = walk->next(wire::kAck | wire::kUrg, octets);
    segment.urgent_pointer = mark;
    peer().send(segment);
    walk->v.rcv_nxt += octets;
  }
  uint32_t app_send_urgent(uint32_t octets) {
    return walk->app.connection->send_urgent(std::vector<uint8_t>(octets, 'u'));
  }
};

// MUST-31, MUST-32, MUST-33.
TEST_P(Urgent, PeersMark_IsToldAndCountsDownAsTheApplicationReads) {
  Walk& w = begin();
  w.app.reads = false;
  w.open();
  send_marked(100, 150);
  EXPECT_EQ(w.app.take_events(), "urgent(150) readable") << "before the octets that it is about";
  w.app.connection->consume(60);
  EXPECT_EQ(w.app.connection->urgent_bytes(), 90U);
  peer().send(w.next(wire::kAck, 100));
  w.v.rcv_nxt += 100;
  w.app.connection->consume(90);
  EXPECT_EQ(w.app.connection->urgent_bytes(), 0U) << "at the mark";
  EXPECT_EQ(w.app.connection->readable_bytes(), 50U) << "in line, and nothing lost";
  w.app.connection->consume(50);
}

TEST_P(Urgent, PeersMark_IsToldOnceAndAgainWhenItMoves) {
  Walk& w = at(Stage::Established);
  send_marked(10, 30);
  EXPECT_EQ(w.app.take_events(), "urgent(30) readable");
  send_marked(10, 20);  // the same mark
  EXPECT_EQ(w.app.take_events(), "readable");
  send_marked(10, 50);
  EXPECT_EQ(w.app.take_events(), "urgent(50) readable");
}

// CVE-2019-12255 and its kin: pointers that lie nowhere sensible.
TEST_P(Urgent, PeersMark_ThatMakesNoSense_DoesNoHarm) {
  Walk& w = at(Stage::Established);
  for (const uint16_t mark : {uint16_t{0}, uint16_t{1}, uint16_t{0xffff}, uint16_t{0x8000}}) {
    send_marked(0, mark);
    send_marked(20, mark);
    PeerSegment fin_like = w.next(wire::kAck | wire::kUrg | wire::kPsh, 20);
    fin_like.seq = w.v.rcv_nxt - 20;  // a duplicate with a mark
    fin_like.urgent_pointer = mark;
    peer().send(fin_like);
    peer().take();
  }
  EXPECT_EQ(w.app.received.size(), 80U);
  peer().send(w.next(wire::kAck | wire::kFin));
  EXPECT_EQ(peer().state(), tcp::State::CloseWait);
}

// MUST-62, MUST-30: the pointer points behind the last urgent octet.
TEST_P(Urgent, OurMark_IsOnEverySegmentBeforeItAndOnNoneBehind) {
  Walk& w = at(Stage::Established);
  EXPECT_EQ(app_send_urgent(40), 40U);
  const wire::Segment first = seen().at(0).segment;
  EXPECT_TRUE(first.flags.urg());
  EXPECT_EQ(first.urgent_pointer, 40);
  EXPECT_EQ(first.payload_length, 40U);
  w.v.snd_nxt += 40;
  peer().advance(params.tcp.rto_min + 20ms);
  const wire::Segment again = peer().take_one().segment;
  EXPECT_TRUE(again.flags.urg()) << "a retransmission carries it too";
  EXPECT_EQ(again.urgent_pointer, 40);
  w.acknowledge();
  EXPECT_EQ(w.app_send(10), 10U);
  const wire::Segment plain = seen().at(0).segment;
  EXPECT_FALSE(plain.flags.urg());
  EXPECT_EQ(plain.urgent_pointer, 0);
  w.v.snd_nxt += 10;
  w.acknowledge();
}

TEST_P(Urgent, OurMark_FarBehind_IsToldAsFarAsTheFieldReaches) {
  params.tcp.send_buffer = 1U << 20;
  Walk& w = at(Stage::Established);
  EXPECT_EQ(w.app_send(100'000), 100'000U);
  EXPECT_EQ(app_send_urgent(1), 1U);
  PeerSegment ack = w.next(wire::kAck);
  ack.window = 60'000;
  const Seq mark = w.v.snd_nxt + 100'001;
  Seq next = w.v.snd_nxt;
  bool marked = false;
  for (int i = 0; i < 200 && next.before(mark); ++i) {
    for (const Captured& one : seen()) {
      if (one.segment.payload_length == 0) continue;
      if (one.segment.flags.urg()) {
        marked = true;
        EXPECT_EQ(one.segment.urgent_pointer, std::min<uint32_t>(mark - one.segment.seq, 0xffff));
      }
      next = later(next, one.segment.end());
    }
    ack.ack = next;
    peer().send(ack);
  }
  EXPECT_TRUE(marked);
  EXPECT_EQ(next, mark);
  w.v.snd_nxt = w.v.snd_una = next;
}

MILLRACE_BOTH_FAMILIES(Urgent);

}  // namespace
}  // namespace millrace::conformance
