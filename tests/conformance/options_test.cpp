// TCP options (RFC 9293 §3.1, §3.2; RFC 7323, to which it points) as they meet a connection. Their syntax
// alone is tested in tests/unit/wire.
#include <cstring>

#include "scene.h"
#include "wire/checksum.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class Options : public Scene {
 protected:
  // The segment with these octets of options, their number a multiple of 4, and its checksum made right.
  std::vector<uint8_t> frame_with(const PeerSegment& segment, const std::vector<uint8_t>& octets) {
    PeerSegment bare = segment;
    bare.options = {};
    std::vector<uint8_t> frame = peer().frame_of(bare);
    const bool v4 = GetParam() == Family::V4;
    const size_t ip = 14;
    const size_t tcp = ip + (v4 ? 20 : 40);
    frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(tcp + 20), octets.begin(), octets.end());
    frame[tcp + 12] = static_cast<uint8_t>(((20 + octets.size()) / 4) << 4);
    const size_t length = frame.size() - tcp;
    const auto put = [&frame](size_t at, size_t value) {
      frame[at] = static_cast<uint8_t>(value >> 8);
      frame[at + 1] = static_cast<uint8_t>(value);
    };
    if (v4) {
      put(ip + 2, length + 20);
      put(ip + 10, 0);
      put(ip + 10, wire::sum_of(&frame[ip], 20).checksum());
    } else {
      put(ip + 4, length);
    }
    put(tcp + 16, 0);
    wire::Sum sum =
        wire::pseudo_header_sum(&frame[v4 ? ip + 12 : ip + 8], v4 ? 8 : 32, 6, static_cast<uint32_t>(length));
    sum += wire::sum_of(&frame[tcp], length);
    put(tcp + 16, sum.checksum());
    return frame;
  }
  static wire::TcpOptions stamped(uint32_t value, uint32_t echo) {
    wire::TcpOptions options;
    options.timestamps = wire::Timestamps{.value = value, .echo_reply = echo};
    return options;
  }
  // ESTABLISHED with timestamps, the peer's at `value`.
  Walk& with_timestamps(uint32_t value) {
    Walk& w = begin();
    wire::TcpOptions offer = stamped(value, 0);
    offer.mss = Mss(kPeerMss);
    w.open(offer);
    return w;
  }
};

// MUST-4, MUST-5, MUST-6, MUST-64: in any segment, at any alignment, unknown ones skipped by their length.
TEST_P(Options, UnknownAndOddlyAligned_AreSkipped) {
  Walk& w = begin(Opening::Passive);
  w.listen();
  const PeerSegment syn{.flags = wire::kSyn, .seq = w.v.irs, .ack = Seq(), .options = {}};
  // NOP, unknown of 5 octets, MSS 600 at an odd place, end of list.
  peer().send_frame(frame_with(syn, {1, 0xfd, 5, 7, 7, 7, 2, 4, 0x02, 0x58, 0, 0}));
  const wire::Segment answer = peer().take_one().segment;
  w.v.iss = answer.seq;
  w.v.snd_nxt = answer.seq + 1;
  w.v.rcv_nxt = w.v.irs + 1;
  peer().send_frame(frame_with(w.next(wire::kAck), {0xfe, 4, 1, 2}));
  EXPECT_EQ(peer().state(), State::Established);
  w.app_send(2000);
  EXPECT_EQ(seen().at(0).segment.payload_length, 600U);
}

// MUST-7: no crash, no harm; the connection that is there stays.
TEST_P(Options, IllegalLength_IsCopedWith) {
  Walk& w = at(Stage::Established);
  const std::vector<std::vector<uint8_t>> illegal = {{0xfd, 0, 0, 0}, {0xfd, 1, 0, 0}, {0xfd, 40, 0, 0},
                                                     {1, 1, 1, 2},    {2, 3, 1, 0},    {8, 2, 1, 1}};
  for (const std::vector<uint8_t>& octets : illegal)
    peer().send_frame(frame_with(w.next(wire::kAck), octets));
  peer().take();
  EXPECT_EQ(peer().state(), State::Established);
  w.send_text(10);
}

// RFC 7323 §3.2: in every segment when both SYNs had them, in none otherwise.
TEST_P(Options, Timestamps_AreInEverySegmentOnceNegotiatedAndInNoneElse) {
  Walk& w = with_timestamps(500);
  w.app_send(10);
  const wire::Segment text = seen().at(0).segment;
  ASSERT_TRUE(text.options.timestamps.has_value());
  EXPECT_EQ(text.options.timestamps->echo_reply, 500U);
  w.v.snd_nxt += 10;
  PeerSegment next = w.next(wire::kAck, 10);
  next.options = stamped(600, text.options.timestamps->value);
  peer().send(next);
  EXPECT_EQ(peer().take_one().segment.options.timestamps->echo_reply, 600U);
  EXPECT_EQ(clean_up(w), "");

  Walk& without = at(Stage::EstablishedSending);
  peer().advance(without.least_rto(params.tcp) + 20ms);
  EXPECT_FALSE(peer().take_one().segment.options.timestamps.has_value());
}

// RFC 7323 §5.3 R1: acknowledged and dropped; a RST is not put to the test.
TEST_P(Options, Paws_AnOldTimestampIsAcknowledgedAndDropped) {
  Walk& w = with_timestamps(5000);
  PeerSegment old = w.next(wire::kAck, 10);
  old.options = stamped(4999, 0);
  peer().send(old);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt);
  EXPECT_TRUE(w.app.received.empty());
  PeerSegment rst = w.next(wire::kRst);
  rst.options = stamped(1, 0);
  peer().send(rst);
  EXPECT_EQ(peer().state(), State::Closed);
}

// RFC 7323 §3.2 asks for the option in every segment of the peer's too, but its lack is not worth a stall.
TEST_P(Options, SegmentWithoutTheNegotiatedTimestamp_IsTaken) {
  Walk& w = with_timestamps(5000);
  peer().send(w.next(wire::kAck, 10));
  EXPECT_EQ(w.app.received.size(), 10U);
}

// RFC 7323 §2.2, §2.3: only when both SYNs had it; the window of a SYN is never scaled.
TEST_P(Options, WindowScale_CountsOnlyWhenBothHaveIt) {
  params.tcp.receive_buffer = 1'000'000;
  params.tcp.initial_window_segments = 60;
  for (const bool both : {true, false}) {
    Walk& w = begin();
    wire::TcpOptions offer = mss_option(1000);
    if (both) offer.window_scale = WindowScale(2);
    w.open(offer);
    PeerSegment ack = w.next(wire::kAck, 1);
    ack.window = 2'500;
    peer().send(ack);
    const uint32_t ours = peer().take_one().segment.window.field();
    if (both)
      EXPECT_LT(ours, 65'000U) << "a megabyte in units of 16 octets or more";
    else
      EXPECT_GE(ours, 65'000U);
    EXPECT_EQ(w.app_send(20'000), 20'000U);
    EXPECT_EQ(text_in(seen()), both ? 10'000U : 2'000U) << "2500 octets, or 4 times as many";
    EXPECT_EQ(clean_up(w), "");
  }
}

TEST_P(Options, WindowScale_OfferedByUsAlone_IsNotUsed) {
  params.tcp.receive_buffer = 66'000;  // asks for a shift of 1
  Walk& w = begin();
  w.open(mss_option());
  peer().send(w.next(wire::kAck, 10));
  EXPECT_GE(peer().take_one().segment.window.field(), 65'000U);
}

// A buffer larger than the window field can say: a peer without the option is not flooded with updates.
TEST_P(Options, WindowScale_MissingWithALargeBuffer_IsLivedWith) {
  params.tcp.receive_buffer = TcpParams().receive_buffer;
  Walk& w = begin();
  w.open(mss_option());
  EXPECT_TRUE(seen().empty());
  peer().send(w.next(wire::kAck, 100));
  EXPECT_GE(peer().take_one().segment.window.field(), 65'000U);
}

// RFC 7323 §2.3: "If a shift.cnt exceeding 14 is received, ... MUST use 14".
TEST_P(Options, WindowScaleAboveFourteen_CountsAsFourteen) {
  params.tcp.initial_window_segments = 60;
  Walk& w = begin(Opening::Passive);
  w.listen();
  const PeerSegment syn{.flags = wire::kSyn, .seq = w.v.irs, .ack = Seq(), .options = {}};
  peer().send_frame(frame_with(syn, {3, 3, 200, 0}));
  w.v.snd_nxt = peer().take_one().segment.seq + 1;
  w.v.rcv_nxt = w.v.irs + 1;
  PeerSegment ack = w.next(wire::kAck);
  ack.window = 1;
  peer().send(ack);
  w.send_text(10);  // the first that asks where the peer is
  w.acknowledge();
  ack.ack = w.v.snd_nxt;
  peer().send(ack);
  EXPECT_EQ(w.app_send(40'000), 40'000U);
  const uint32_t octets = text_in(seen());
  EXPECT_LE(octets, 16'384U);
  EXPECT_GT(octets, 15'000U);
}

// RFC 7323 §2.2: "a Window Scale option in a segment without a SYN bit ... MUST be ignored".
TEST_P(Options, WindowScaleBehindTheSyn_IsIgnored) {
  params.tcp.initial_window_segments = 60;
  Walk& w = begin();
  wire::TcpOptions offer = mss_option(1000);
  offer.window_scale = WindowScale(2);
  w.open(offer);
  PeerSegment ack = w.next(wire::kAck);
  ack.window = 2'500;
  peer().send_frame(frame_with(ack, {3, 3, 7, 0}));
  EXPECT_EQ(w.app_send(40'000), 40'000U);
  EXPECT_EQ(text_in(seen()), 10'000U);
}

// RFC 9293 §3.7.1, RFC 6691: options take their room from the text.
TEST_P(Options, Timestamps_TakeTheirRoomFromTheText) {
  Walk& w = with_timestamps(1);
  w.app_send(4000);
  EXPECT_EQ(seen().at(0).segment.payload_length, full_mss() - 12U);
}

MILLRACE_BOTH_FAMILIES(Options);

}  // namespace
}  // namespace millrace::conformance
