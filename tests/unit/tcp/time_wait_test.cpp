#include "tcp/close/time_wait.h"

#include <gtest/gtest.h>

namespace millrace::tcp {
namespace {

class TimeWaitTest : public testing::Test {
 protected:
  TimeWaitTest() {
    tcb.hot.snd_nxt = Seq(5000);
    tcb.hot.rcv_nxt = Seq(100);
    tcb.hot.rcv_adv = Seq(100 + 1000);
  }
  TimeWaitAction play(wire::Flags flags, uint32_t seq, uint32_t ack = 5000, uint32_t payload = 0,
                      std::optional<uint32_t> timestamp = std::nullopt) {
    const TimeWaitRecord record(tcb, Instant(1s));
    wire::Segment segment;
    segment.seq = Seq(seq);
    segment.ack = Seq(ack);
    segment.flags = flags;
    segment.payload_length = payload;
    if (timestamp) segment.options.timestamps = wire::Timestamps{.value = *timestamp, .echo_reply = 0};
    return on_segment(record, segment, params, reason);
  }
  Memory memory{1 << 16, 0};
  Tcb tcb{memory};
  DropReason reason{};
  TcpParams params;
};

TEST_F(TimeWaitTest, TheFinAgain_IsAcknowledgedAndRestartsTheWait) {
  EXPECT_EQ(play(wire::kFin | wire::kAck, 99), TimeWaitAction::Restart);
  EXPECT_EQ(play(wire::kFin | wire::kAck, 79, 5000, 20), TimeWaitAction::Restart);
}

TEST_F(TimeWaitTest, ALateAck_IsQuietlyDropped) { EXPECT_EQ(play(wire::kAck, 100), TimeWaitAction::Drop); }

TEST_F(TimeWaitTest, OldText_IsAcknowledged) {
  EXPECT_EQ(play(wire::kAck, 50, 5000, 20), TimeWaitAction::Acknowledge);
}

// RFC 1337 §3, F1.
TEST_F(TimeWaitTest, Reset_IsNotHeard) {
  for (const uint32_t seq : {99U, 100U, 101U}) EXPECT_EQ(play(wire::kRst, seq), TimeWaitAction::Drop);
}

TEST_F(TimeWaitTest, Reset_WhereItIsHeardOnlyTheExactOneEndsIt) {
  params.time_wait_ignore_rst = false;
  EXPECT_EQ(play(wire::kRst, 100), TimeWaitAction::Remove);
  EXPECT_EQ(play(wire::kRst, 101), TimeWaitAction::Acknowledge);
  EXPECT_EQ(play(wire::kRst, 99), TimeWaitAction::Drop);
}

// RFC 9293 §3.6.1.
TEST_F(TimeWaitTest, ANewSyn_ReopensOnlyWithALargerSequenceNumber) {
  EXPECT_EQ(play(wire::kSyn, 101, 0), TimeWaitAction::Reopen);
  EXPECT_EQ(play(wire::kSyn, 100, 0), TimeWaitAction::Acknowledge);
  EXPECT_EQ(play(wire::kSyn, 50, 0), TimeWaitAction::Acknowledge);
  EXPECT_EQ(play(wire::kSyn | wire::kAck, 101), TimeWaitAction::Acknowledge);
}

// RFC 6191 §2.
TEST_F(TimeWaitTest, ANewSyn_ReopensByALaterTimestamp) {
  tcb.hot.flags.timestamps = true;
  tcb.hot.ts_recent = 1000;
  EXPECT_EQ(play(wire::kSyn, 50, 0, 0, 1001), TimeWaitAction::Reopen);
  EXPECT_EQ(play(wire::kSyn, 50, 0, 0, 999), TimeWaitAction::Acknowledge);
  EXPECT_EQ(play(wire::kSyn, 101, 0, 0, 1000), TimeWaitAction::Reopen);
  EXPECT_EQ(play(wire::kSyn, 50, 0, 0, 1000), TimeWaitAction::Acknowledge);
}

TEST_F(TimeWaitTest, ANewSyn_DoesNotReopenWhereThatIsOff) {
  params.time_wait_reopen = false;
  EXPECT_EQ(play(wire::kSyn, 101, 0), TimeWaitAction::Acknowledge);
}

TEST_F(TimeWaitTest, Reuse_WantsTimestampsTimeAndATick) {
  const Instant then{1s};
  tcb.hot.flags.timestamps = true;
  TimeWaitRecord record(tcb, then);
  EXPECT_FALSE(may_reuse(record, then + 99ms, params));
  EXPECT_TRUE(may_reuse(record, then + 100ms, params));
  params.time_wait_reuse_after = 1ms;
  wire::Segment out;
  acknowledge(record, then + 50ms, out);  // a late duplicate was answered
  EXPECT_FALSE(may_reuse(record, then + 50ms + 999us, params));
  EXPECT_TRUE(may_reuse(record, then + 51ms, params));
  params.timestamps = false;
  EXPECT_FALSE(may_reuse(record, then + 1s, params)) << "the new connection would have none";
  params.timestamps = true;
  params.time_wait_reuse = false;
  EXPECT_FALSE(may_reuse(record, then + 1s, params));
  params.time_wait_reuse = true;
  tcb.hot.flags.timestamps = false;
  EXPECT_FALSE(may_reuse(TimeWaitRecord(tcb, then), then + 59s, params)) << "the old one had none";
}

// RFC 9293 §3.6.1.
TEST_F(TimeWaitTest, Iss_LiesBeyondTheOldConnection) {
  const TimeWaitRecord record(tcb, Instant(1s));
  EXPECT_EQ(iss_beyond(record, Seq(900'000)), Seq(900'000)) << "what the generator says, where it is later";
  for (const uint32_t generated : {4000U, 5000U, 5001U, 60'000U})
    EXPECT_TRUE(iss_beyond(record, Seq(generated)).after(record.snd_nxt + 0xffff)) << generated;
}

TEST_F(TimeWaitTest, AnOldTimestamp_IsPaws) {
  tcb.hot.flags.timestamps = true;
  tcb.hot.ts_recent = 1000;
  EXPECT_EQ(play(wire::kFin | wire::kAck, 99, 5000, 0, 999), TimeWaitAction::Acknowledge);
  EXPECT_EQ(reason, DropReason::TcpPaws);
}

}  // namespace
}  // namespace millrace::tcp
