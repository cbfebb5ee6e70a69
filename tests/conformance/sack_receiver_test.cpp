// Selective acknowledgement, the receiving side: RFC 2018 and its extension by RFC 2883.
#include "scene.h"

namespace millrace::conformance {
namespace {

using Blocks = std::vector<std::pair<uint32_t, uint32_t>>;

class SackReceiver : public Scene {
 protected:
  // ESTABLISHED with SACK; the peer's timestamps at `value`, 0: none.
  Walk& open_with_sack(uint32_t value = 0) {
    Walk& w = begin();
    wire::TcpOptions offer = mss_option();
    offer.sack_permitted = true;
    if (value != 0) offer.timestamps = wire::Timestamps{.value = value, .echo_reply = 0};
    w.open(offer);
    first = w.v.rcv_nxt;
    return w;
  }
  PeerSegment text(uint32_t offset, uint32_t length) {
    PeerSegment segment = walk->next(wire::kAck, length);
    segment.seq = first + offset;
    if (stamps) segment.options.timestamps = wire::Timestamps{.value = 500, .echo_reply = 0};
    return segment;
  }
  // The blocks of the one acknowledgement that answers, as offsets in the peer's stream.
  Blocks answer(uint32_t offset, uint32_t length) {
    peer().send(text(offset, length));
    return blocks_of(peer().take_one().segment);
  }
  Blocks blocks_of(const wire::Segment& segment) const {
    Blocks out;
    for (uint8_t i = 0; i < segment.options.sack_count; ++i)
      out.emplace_back(segment.options.sack[i].left - first, segment.options.sack[i].right - first);
    return out;
  }
  Seq first;
  bool stamps = false;
};

TEST_P(SackReceiver, Syn_OffersSackUnlessItIsSwitchedOff) {
  for (const bool on : {true, false}) {
    params.tcp.sack = on;
    Walk& w = begin();
    app::ConnectOptions options;
    options.remote = w.peer.theirs();
    options.local_port = kOurPort;
    w.app.connection = w.peer.shard().connect(options, w.app).connection;
    w.peer.run();
    EXPECT_EQ(w.peer.take_one().segment.options.sack_permitted, on);
    w.app.connection->abort();
    w.peer.run();
    w.peer.take();
  }
}

// RFC 2018 §2: only when it was offered.
TEST_P(SackReceiver, SynAck_AnswersSackWhenItWasOffered) {
  for (const bool offered : {true, false}) {
    Walk& w = begin(Opening::Passive);
    w.listen();
    wire::TcpOptions options = mss_option();
    options.sack_permitted = offered;
    w.peer.send({.flags = wire::kSyn, .seq = w.v.irs, .ack = Seq(), .options = options});
    EXPECT_EQ(w.peer.take_one().segment.options.sack_permitted, offered);
    w.peer.send({.flags = wire::kRst, .seq = w.v.irs + 1, .ack = Seq(), .options = {}});
  }
}

// RFC 2018 §4: the block with the segment that has just come first, then those reported most recently.
TEST_P(SackReceiver, Gaps_AreToldTheLatestBlockFirst) {
  open_with_sack();
  EXPECT_EQ(answer(100, 50), (Blocks{{100, 150}}));
  EXPECT_EQ(answer(300, 50), (Blocks{{300, 350}, {100, 150}}));
  EXPECT_EQ(answer(500, 50), (Blocks{{500, 550}, {300, 350}, {100, 150}}));
  EXPECT_EQ(answer(150, 50), (Blocks{{100, 200}, {500, 550}, {300, 350}})) << "it grows, and is the latest";
  EXPECT_EQ(answer(200, 100), (Blocks{{100, 350}, {500, 550}})) << "two have become one";
}

TEST_P(SackReceiver, Blocks_AreFourAtMostOrThreeBesideTimestamps) {
  open_with_sack();
  Blocks told;
  for (const uint32_t offset : {100U, 200U, 300U, 400U, 500U}) told = answer(offset, 50);
  EXPECT_EQ(told, (Blocks{{500, 550}, {400, 450}, {300, 350}, {200, 250}}));
  EXPECT_EQ(clean_up(*walk), "");
  open_with_sack(500);
  stamps = true;
  for (const uint32_t offset : {100U, 200U, 300U, 400U}) told = answer(offset, 50);
  EXPECT_EQ(told, (Blocks{{400, 450}, {300, 350}, {200, 250}}));
}

TEST_P(SackReceiver, GapClosed_NothingIsToldAnyMore) {
  open_with_sack();
  answer(100, 50);
  answer(300, 50);
  EXPECT_EQ(answer(0, 100), (Blocks{{300, 350}}));
  EXPECT_EQ(answer(150, 150), Blocks{});
  EXPECT_EQ(walk->app.received.size(), 350U);
}

TEST_P(SackReceiver, WithoutTheOffer_NothingIsTold) {
  Walk& w = begin();
  w.open(mss_option());
  first = w.v.rcv_nxt;
  EXPECT_EQ(answer(100, 50), Blocks{});
  EXPECT_EQ(answer(100, 50), Blocks{});
}

// RFC 2883 §4.1: a segment that came again, below RCV.NXT; told once.
TEST_P(SackReceiver, OldSegmentAgain_IsADuplicateBlockOnce) {
  open_with_sack();
  peer().send(text(0, 100));
  peer().take();
  EXPECT_EQ(answer(0, 100), (Blocks{{0, 100}}));
  EXPECT_EQ(answer(200, 50), (Blocks{{200, 250}}));
}

TEST_P(SackReceiver, PartlyOldSegment_TellsTheOldPart) {
  open_with_sack();
  peer().send(text(0, 100));
  peer().take();
  EXPECT_EQ(answer(50, 100), (Blocks{{50, 100}}));
  EXPECT_EQ(walk->app.received.size(), 150U);
}

// RFC 2883 §4.1.2, §4.2: the duplicate first, then the block that it lies in.
TEST_P(SackReceiver, HeldSegmentAgain_IsADuplicateBlockBeforeItsOwn) {
  open_with_sack();
  answer(100, 50);
  EXPECT_EQ(answer(100, 50), (Blocks{{100, 150}, {100, 150}}));
  EXPECT_EQ(answer(120, 60), (Blocks{{120, 150}, {100, 180}})) << "the part that came again";
}

// RFC 2883 §4.2.2: of two duplicates in one segment the first is told.
TEST_P(SackReceiver, SegmentOverTwoHeldBlocks_TellsTheFirstDuplicate) {
  open_with_sack();
  answer(100, 50);
  answer(200, 50);
  EXPECT_EQ(answer(80, 150), (Blocks{{100, 150}, {80, 250}}));
}

// What is held may come again in order, too.
TEST_P(SackReceiver, InOrderSegmentOverAHeldBlock_TellsTheDuplicate) {
  open_with_sack();
  answer(100, 50);
  answer(300, 50);
  EXPECT_EQ(answer(0, 120), (Blocks{{100, 120}, {300, 350}}));
  EXPECT_EQ(walk->app.received.size(), 150U);
  EXPECT_EQ(answer(150, 200), (Blocks{{300, 350}})) << "all of it";
  EXPECT_EQ(walk->app.received.size(), 350U);
}

// RFC 2883 §4.1.1: what lies below RCV.NXT comes first.
TEST_P(SackReceiver, SegmentOverOldAndHeldText_TellsTheOldPart) {
  open_with_sack();
  answer(0, 100);
  answer(200, 50);
  EXPECT_EQ(answer(50, 250), (Blocks{{50, 100}}));
  EXPECT_EQ(walk->app.received.size(), 300U);
}

// What is full has no room to tell; the acknowledgement without text tells, and leaves first.
TEST_P(SackReceiver, TextOfOurs_DoesNotCrowdOutTheDuplicate) {
  Walk& w = open_with_sack();
  peer().send(text(0, 100));
  peer().take();
  w.app_send(5 * kPeerMss);
  peer().send(text(0, 100));
  const std::vector<Captured> out = peer().take();
  ASSERT_GE(out.size(), 2U);
  EXPECT_EQ(out[0].segment.payload_length, 0U) << list(out);
  EXPECT_EQ(blocks_of(out[0].segment), (Blocks{{0, 100}}));
  for (const Captured& one : out)
    EXPECT_TRUE(one.segment.payload_length < full_mss() || one.segment.options.sack_count == 0);
}

MILLRACE_BOTH_FAMILIES(SackReceiver);

}  // namespace
}  // namespace millrace::conformance
