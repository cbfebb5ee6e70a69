// Timestamps and scaled windows (RFC 7323) over the life of a connection. options_test.cpp has their syntax
// and how they are agreed upon.
#include <chrono>

#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

wire::TcpOptions stamped(uint32_t value, uint32_t echo = 0) {
  wire::TcpOptions options;
  options.timestamps = wire::Timestamps{.value = value, .echo_reply = echo};
  return options;
}

class Stamps : public Scene {
 protected:
  // ESTABLISHED with timestamps, the peer's at 500.
  Walk& agreed() {
    Walk& w = begin();
    wire::TcpOptions offer = stamped(500);
    offer.mss = Mss(kPeerMss);
    w.open(offer);
    return w;
  }
  // The echo in what is answered to `length` octets at `offset` from RCV.NXT, or 0 where nothing is.
  uint32_t echo_for(uint32_t offset, uint32_t length, uint32_t value) {
    PeerSegment text = walk->next(wire::kAck, length);
    text.seq = walk->v.rcv_nxt + offset;
    text.options = stamped(value);
    peer().send(text);
    const std::vector<Captured> answers = peer().take();
    return answers.empty()
               ? 0
               : answers.back().segment.options.timestamps.value_or(wire::Timestamps{}).echo_reply;
  }
};

// §3.2: TSecr says something only with ACK.
TEST_P(Stamps, Syn_EchoesNothing) {
  begin().listen();
  app::ConnectOptions options;
  options.remote = peer().theirs(7001);
  Recorder other;
  ASSERT_NE(peer().shard().connect(options, other).connection, nullptr);
  const wire::Segment syn = seen().at(0).segment;
  ASSERT_TRUE(syn.options.timestamps.has_value());
  EXPECT_EQ(syn.options.timestamps->echo_reply, 0U);
  EXPECT_EQ(clean_up(*walk), "");
  walk.reset();
}

TEST_P(Stamps, NotAgreedUpon_AreIgnored) {
  Walk& w = at(Stage::Established);
  PeerSegment text = w.next(wire::kAck, 10);
  text.options = stamped(7);
  peer().send(text);
  EXPECT_FALSE(peer().take_one().segment.options.timestamps.has_value());
  text.seq += 10;
  text.options = stamped(6);
  peer().send(text);
  EXPECT_EQ(w.app.received.size(), 20U) << "nothing was agreed by which the second were older";
}

// What the fifth step refuses may not put the clock forward: PAWS would refuse the peer from then on.
TEST_P(Stamps, SegmentWhoseAckIsRefused_DoesNotRenewTsRecent) {
  Walk& w = agreed();
  PeerSegment forged = w.next(wire::kAck | wire::kFin);
  forged.ack = w.v.snd_nxt + 9'000;
  forged.options = stamped(200'000);
  peer().send(forged);
  peer().take();
  EXPECT_EQ(echo_for(0, 10, 501), 501U);
  EXPECT_EQ(w.app.received.size(), 10U);
}

// §3.2: "SHOULD be sent in an <RST> segment".
TEST_P(Stamps, Abort_ItsRstHasThem) {
  Walk& w = agreed();
  w.app.connection->abort();
  const wire::Segment rst = seen().at(0).segment;
  EXPECT_TRUE(rst.flags.rst());
  ASSERT_TRUE(rst.options.timestamps.has_value());
  EXPECT_EQ(rst.options.timestamps->echo_reply, 0U) << "without ACK there is nothing to echo";
}

// §4.1, §5.4: 1 ms to 1 s a tick.
TEST_P(Stamps, Clock_IsMilliseconds) {
  Walk& w = agreed();
  w.app_send(10);
  const uint32_t first = seen().at(0).segment.options.timestamps->value;
  w.v.snd_nxt += 10;
  PeerSegment ack = w.next(wire::kAck);
  ack.options = stamped(501, first);
  peer().send(ack);
  peer().advance(1s);
  w.app_send(10);
  EXPECT_EQ(seen().at(0).segment.options.timestamps->value - first, 1000U);
}

// §4.2: the echo tells which of the copies is acknowledged; the sample ends the backoff (RFC 6298 §3).
TEST_P(Stamps, RetransmittedSegment_GivesASample) {
  Walk& w = agreed();
  w.app_send(10);
  ASSERT_EQ(seen().size(), 1U);
  w.v.snd_nxt += 10;
  peer().advance(params.tcp.rto_min + 20ms);
  const wire::Segment again = peer().take_one().segment;
  peer().advance(50ms);
  PeerSegment ack = w.next(wire::kAck);
  ack.options = stamped(600, again.options.timestamps->value);
  peer().send(ack);
  w.app_send(10);
  ASSERT_EQ(seen().size(), 1U);
  peer().advance(2 * params.tcp.rto_min - 50ms);
  EXPECT_FALSE(peer().take().empty()) << "backed off it were twice as long";
}

// §4.3, §5.3 R3 to R5: what lies above a gap waits without its timestamp being echoed; what fills the gap
// counts, though it is older than that.
TEST_P(Stamps, Echo_IsOfTheSegmentThatIsAcknowledged) {
  Walk& w = agreed();
  EXPECT_EQ(echo_for(0, 100, 600), 600U);
  w.v.rcv_nxt += 100;
  EXPECT_EQ(echo_for(100, 100, 700), 600U);
  EXPECT_EQ(echo_for(0, 100, 650), 650U);
  EXPECT_EQ(w.app.received.size(), 300U);
}

TEST_P(Stamps, SegmentBeyondTheWindow_LeavesTheEchoAlone) {
  Walk& w = agreed();
  EXPECT_EQ(echo_for(w.v.rcv_wnd + 1, 10, 900), 500U);
  EXPECT_EQ(echo_for(0, 10, 510), 510U) << "it is not older than what counts";
  EXPECT_EQ(w.app.received.size(), 10U);
}

// §5.5: the peer's clock may have gone round its half since.
TEST_P(Stamps, AfterTwentyFourDays_AnyTimestampIsTaken) {
  Walk& w = agreed();
  EXPECT_EQ(echo_for(0, 10, 499), 500U) << "old";
  EXPECT_TRUE(w.app.received.empty());
  peer().advance(std::chrono::hours(24 * 25));
  EXPECT_EQ(echo_for(0, 10, 499), 499U);
  EXPECT_EQ(w.app.received.size(), 10U);
}

using Scaling = Scene;

// §2.2: "The window field in a segment where the SYN bit is set MUST NOT be scaled", on either side.
TEST_P(Scaling, WindowOfASyn_IsNotScaled) {
  params.tcp.receive_buffer = 1'000'000;
  params.tcp.initial_window_segments = 60;
  Walk& w = begin();
  app::ConnectOptions options;
  options.remote = peer().theirs();
  options.local_port = kOurPort;
  w.app.connection = peer().shard().connect(options, w.app).connection;
  const wire::Segment syn = seen().at(0).segment;
  EXPECT_EQ(syn.window.field(), 0xffff);
  w.v.iss = syn.seq;
  w.v.snd_una = w.v.snd_nxt = syn.seq + 1;
  wire::TcpOptions offer = mss_option(1000);
  offer.window_scale = WindowScale(2);
  peer().send({.flags = wire::kSyn | wire::kAck,
               .seq = w.v.irs,
               .ack = w.v.snd_nxt,
               .window = 2'500,
               .options = offer});
  peer().take();
  EXPECT_EQ(w.app_send(20'000), 20'000U);
  EXPECT_EQ(text_in(seen()), 2'000U) << "2500 octets, and no silly segment";
}

MILLRACE_BOTH_FAMILIES(Stamps);
MILLRACE_BOTH_FAMILIES(Scaling);

}  // namespace
}  // namespace millrace::conformance
