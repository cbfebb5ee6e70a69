// Connections for which the application has no room: SYNs and ACKs that end a handshake are dropped or reset.
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class Accepts : public Scene {
 protected:
  Walk& listening(uint32_t connections = 0) {
    Walk& w = begin(Opening::Passive);
    const ListenerParams listener{.local = peer().ours(), .backlog = 8, .connections = connections};
    EXPECT_EQ(peer().shard().listen(listener, w.app, "test"), app::OpenError::None);
    return w;
  }
  IpAddress somebody(uint8_t number) const {
    return GetParam() == Family::V4
               ? IpAddress::v4(10, 0, 0, number)
               : IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
  }
  PeerSegment syn(uint8_t from) const {
    return {.flags = wire::kSyn,
            .seq = walk->v.irs,
            .ack = Seq(),
            .options = mss_option(),
            .source = somebody(from)};
  }
  // The ACK to the SYN-ACK that has come for `from`.
  PeerSegment ack(uint8_t from, const wire::Segment& answer, uint32_t length = 0) const {
    return {.flags = wire::kAck,
            .seq = walk->v.irs + 1,
            .ack = answer.seq + 1,
            .length = length,
            .options = {},
            .source = somebody(from)};
  }
  wire::Segment half_open(uint8_t from) {
    peer().send(syn(from));
    return peer().take_one().segment;
  }
  uint32_t connections() { return peer().shard().usage().connections; }
  shard::ListenerRow row() { return peer().shard().listeners().at(0); }
};

TEST_P(Accepts, NoRoomAndDrop_TheAckIsAsIfItWereLost) {
  Walk& w = listening();
  const wire::Segment answer = half_open(1);
  w.app.room = 0;
  peer().send(ack(1, answer));
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().state(), State::SynReceived);
  EXPECT_EQ(row().accept_overflows, 1U);
  EXPECT_EQ(peer().shard().counters().dropped(DropReason::TcpAcceptQueueFull), 1U);
  peer().advance(1s);
  EXPECT_EQ(peer().take().size(), 1U) << "the SYN-ACK again, which the peer acknowledges again";
  w.app.room = 1;
  peer().send(ack(1, answer, 20));
  EXPECT_EQ(w.app.take_events(), "established readable");
}

TEST_P(Accepts, NoRoomAndReset_ThePeerIsTold) {
  params.tcp.accept_overflow = AcceptOverflow::Reset;
  Walk& w = listening();
  const wire::Segment answer = half_open(1);
  w.app.room = 0;
  peer().send(ack(1, answer));
  const wire::Segment reset = peer().take_one().segment;
  EXPECT_EQ(reset.flags, wire::kRst);
  EXPECT_EQ(reset.seq, answer.seq + 1);
  EXPECT_EQ(peer().state(), State::Listen);
  EXPECT_EQ(peer().shard().usage().syn_records, 0U);
  peer().send(syn(3));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kRst | wire::kAck) << "a SYN likewise";
}

TEST_P(Accepts, NoRoom_SynsAreDroppedAndNothingIsKept) {
  Walk& w = listening();
  w.app.room = 0;
  peer().send(syn(1));
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().shard().usage().syn_records, 0U);
  EXPECT_EQ(row().accept_overflows, 1U);
}

TEST_P(Accepts, NoRoom_ACookieWaitsToo) {
  params.tcp.syn_cookies = SynCookies::Always;
  Walk& w = listening();
  const wire::Segment answer = half_open(1);
  w.app.room = 0;
  peer().send(ack(1, answer, 10));
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(connections(), 0U);
  w.app.room = 1;
  peer().send(ack(1, answer, 10));
  EXPECT_EQ(w.app.take_events(), "established readable");
}

// Several ACKs in one burst, before the application has learnt of the first.
TEST_P(Accepts, OneBurst_TakesNoMoreThanThereIsRoomFor) {
  Walk& w = listening();
  std::vector<wire::Segment> answers;
  for (uint8_t from = 11; from < 16; ++from) answers.push_back(half_open(from));
  w.app.room = 2;
  for (uint8_t i = 0; i < 5; ++i) peer().enqueue(ack(static_cast<uint8_t>(11 + i), answers[i]));
  peer().run();
  EXPECT_EQ(connections(), 2U);
  EXPECT_EQ(row().accept_overflows, 3U);
}

TEST_P(Accepts, ConnectionsOfAListener_AreBounded) {
  Walk& w = listening(2);
  const wire::Segment first = half_open(11), second = half_open(12), third = half_open(13);
  peer().send(ack(11, first));
  peer().send(ack(12, second));
  EXPECT_EQ(row().open, 2U);
  peer().send(ack(13, third));
  EXPECT_EQ(row().open, 2U);
  EXPECT_EQ(row().accept_overflows, 1U);
  w.app.connection->abort();  // the second
  peer().run();
  peer().take();
  EXPECT_EQ(row().open, 1U);
  peer().send(ack(13, third));
  EXPECT_EQ(row().open, 2U);
  EXPECT_EQ(row().accepted, 3U);
}

MILLRACE_BOTH_FAMILIES(Accepts);

}  // namespace
}  // namespace millrace::conformance
