#include <gtest/gtest.h>

#include "tcp/open/syn_queue.h"

namespace millrace::tcp {
namespace {

const TcpParams kBuffer{.receive_buffer = 100'000, .receive_buffer_max = 0};

wire::Segment syn() {
  wire::Segment out;
  out.seq = Seq(0xffff'ffff);  // RCV.NXT wraps to 0
  out.flags = wire::kSyn;
  out.window = WireWindow(4096);
  return out;
}

SynRecord record_of(const wire::Segment& segment) {
  return SynRecord(flow::FlowKey{}, segment, Seq(7000), Mss(1460), 3, kBuffer);
}

wire::Segment from_peer(wire::Flags flags, uint32_t seq, uint32_t ack, uint32_t payload = 0) {
  wire::Segment out;
  out.seq = Seq(seq);
  out.ack = Seq(ack);
  out.flags = flags;
  out.payload_length = payload;
  return out;
}

TEST(SynRecord, KeepsEveryOptionOfTheSyn) {
  wire::Segment segment = syn();
  segment.options.mss = Mss(1200);
  segment.options.window_scale = WindowScale(14);
  segment.options.timestamps = wire::Timestamps{.value = 99, .echo_reply = 0};
  segment.options.sack_permitted = true;
  EXPECT_EQ(record_of(segment).offered(), segment.options);
  EXPECT_EQ(record_of(syn()).offered(), wire::TcpOptions{});
}

TEST(SynRecord, SynAck_AnswersWhatWasOffered) {
  wire::Segment segment = syn();
  segment.options.timestamps = wire::Timestamps{.value = 99, .echo_reply = 0};
  wire::Segment answer;
  syn_ack(record_of(segment), TcpParams{}, 5, Instant(3ms), answer);
  EXPECT_EQ(answer.seq, Seq(7000));
  EXPECT_EQ(answer.ack, Seq(0));
  EXPECT_EQ(answer.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(answer.window, WireWindow(0xffff));
  EXPECT_EQ(answer.options.timestamps, (wire::Timestamps{.value = 8, .echo_reply = 99}));
  EXPECT_FALSE(answer.options.window_scale);
  EXPECT_EQ(answer.options.mss, Mss(1460));
}

// RFC 3168 §6.1.1.
TEST(SynRecord, SynAck_AgreesToEcnWhereTheSynAsks) {
  wire::Segment segment = syn();
  for (const bool asks : {false, true}) {
    if (asks) segment.flags = wire::kSyn | wire::kEce | wire::kCwr;
    wire::Segment answer;
    syn_ack(record_of(segment), TcpParams{}, 5, Instant(3ms), answer);
    EXPECT_EQ(answer.flags, asks ? wire::kSyn | wire::kAck | wire::kEce : wire::kSyn | wire::kAck);
  }
}

struct Case {
  const char* name;
  wire::Segment segment;
  SynAction expected;
};

class SynRecordRule : public testing::TestWithParam<Case> {};

TEST_P(SynRecordRule, Answers) {
  DropReason reason{};
  EXPECT_EQ(on_segment(record_of(syn()), GetParam().segment, reason), GetParam().expected);
}

// RFC 9293 §3.10.7.4 for SYN-RECEIVED after a passive OPEN; RCV.NXT is 0, the window 65535, SND.NXT 7001.
INSTANTIATE_TEST_SUITE_P(
    Rfc9293, SynRecordRule,
    testing::Values(Case{"the_ack", from_peer(wire::kAck, 0, 7001), SynAction::Promote},
                    Case{"the_ack_with_text", from_peer(wire::kAck | wire::kPsh, 0, 7001, 100),
                         SynAction::Promote},
                    Case{"the_ack_with_fin", from_peer(wire::kAck | wire::kFin, 0, 7001), SynAction::Promote},
                    Case{"ack_of_nothing", from_peer(wire::kAck, 0, 7000), SynAction::Reset},
                    Case{"ack_of_the_future", from_peer(wire::kAck, 0, 7002), SynAction::Reset},
                    Case{"no_ack", from_peer(wire::kPsh, 0, 0, 1), SynAction::Drop},
                    Case{"syn_again", from_peer(wire::kSyn, 0xffff'ffff, 0), SynAction::Answer},
                    Case{"other_syn_in_window", from_peer(wire::kSyn, 10, 0), SynAction::Remove},
                    Case{"other_syn_outside", from_peer(wire::kSyn, 0x8000'0000, 0), SynAction::Acknowledge},
                    Case{"rst_exact", from_peer(wire::kRst, 0, 0), SynAction::Remove},
                    Case{"rst_in_window", from_peer(wire::kRst, 1, 0), SynAction::Acknowledge},
                    Case{"rst_outside", from_peer(wire::kRst, 0x8000'0000, 0), SynAction::Drop},
                    Case{"ack_outside", from_peer(wire::kAck, 0x8000'0000, 7001), SynAction::Acknowledge}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(SynQueue, Backoff_DoublesByLevel) {
  SynQueue queue(16);
  const uint32_t first = queue.create(flow::FlowKey{}, syn(), Seq(1), Mss(1460), uint16_t{0}, kBuffer);
  const Instant start(10s);
  queue.sent(first, start);
  EXPECT_EQ(queue.next_deadline(1s), start + 1s);
  int due = 0;
  const auto again = [&](uint32_t index) {
    ++due;
    queue[index].retries = static_cast<uint8_t>((queue[index].retries + 1) & 0xf);
    queue.sent(index, start + 1s);
  };
  queue.expire(start + 999ms, 1s, again);
  EXPECT_EQ(due, 0);
  queue.expire(start + 1s, 1s, again);
  EXPECT_EQ(due, 1);
  EXPECT_EQ(queue.next_deadline(1s), start + 3s);
  queue.destroy(first);
  EXPECT_EQ(queue.next_deadline(1s), kNever);
}

}  // namespace
}  // namespace millrace::tcp
