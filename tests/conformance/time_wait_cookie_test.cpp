// SYN cookies over TIME-WAIT: a cookie's sequence number cannot be chosen, and a new connection's has to lie
// beyond the old one's (RFC 9293 §3.6.1). Neighbours: cookie_test.cpp, time_wait_test.cpp.
#include "time_wait_scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class CookiesOverTimeWait : public TimeWaits {};

// "larger than the largest sequence number it used" (RFC 9293 §3.6.1): a cookie that is not is no answer.
TEST_P(CookiesOverTimeWait, WithoutTimestamps_IsSentOnlyBeyondTheOldNumbers) {
  params.memory.syn_records = 1;
  Walk& w = at(Stage::TimeWait, Opening::Passive);
  fill_the_queue();
  const uint64_t dropped = peer().shard().counters().dropped(DropReason::TcpSynQueueFull);
  uint32_t sent = 0, unanswered = 0;
  for (uint32_t i = 0; i < 40; ++i) {
    peer().send(syn_at(w.v.rcv_nxt + 1000 * (i + 1)));
    const std::vector<Captured> answers = peer().take();
    EXPECT_EQ(peer().state(), State::TimeWait) << "nobody has the ends yet";
    if (answers.empty()) {
      ++unanswered;
      continue;
    }
    ++sent;
    ASSERT_EQ(answers[0].segment.flags, wire::kSyn | wire::kAck) << list(answers);
    EXPECT_TRUE(answers[0].segment.seq.after(w.v.snd_nxt + 0xffff)) << answers[0].segment.seq - w.v.snd_nxt;
  }
  EXPECT_GT(sent, 5U) << "half of them are beyond";
  EXPECT_GT(unanswered, 5U);
  EXPECT_EQ(peer().shard().counters().dropped(DropReason::TcpSynQueueFull) - dropped, unanswered);
  EXPECT_EQ(counted(&Counters::tcp_time_wait_reopened), 0U);
}

TEST_P(CookiesOverTimeWait, WithoutTimestamps_ItsAckReopens) {
  params.memory.syn_records = 1;
  Walk& w = at(Stage::TimeWait, Opening::Passive);
  fill_the_queue();
  std::vector<Captured> answers;
  Seq irs;
  for (uint32_t i = 1; i < 40 && answers.empty(); ++i) {
    irs = w.v.rcv_nxt + 1000 * i;
    peer().send(syn_at(irs));
    answers = peer().take();
  }
  ASSERT_EQ(answers.size(), 1U);
  w.app.take_events();
  // What the old connection may still receive ends no wait.
  peer().send(w.next(wire::kAck));
  PeerSegment ack{.flags = wire::kAck, .seq = irs + 1, .ack = answers[0].segment.seq + 2, .options = {}};
  peer().send(ack);
  peer().take();
  EXPECT_EQ(peer().state(), State::TimeWait);
  ack.ack = answers[0].segment.seq + 1;
  peer().send(ack);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(w.app.take_events(), "established");
  EXPECT_EQ(peer().shard().usage().time_wait_records, 0U);
  EXPECT_EQ(counted(&Counters::tcp_time_wait_reopened), 1U);
}

// RFC 6191 §2, RFC 7323 §5: the timestamps tell old from new, wherever the numbers lie.
TEST_P(CookiesOverTimeWait, WithTimestamps_IsAlwaysSentAndItsAckReopens) {
  params.memory.syn_records = 1;
  Walk& w = wait_with_timestamps(Opening::Passive);
  const uint32_t last = our_last;
  fill_the_queue();
  peer().advance(1s);
  uint32_t inside = 0;
  PeerSegment ack;
  for (uint32_t i = 0; i < 20; ++i) {
    const PeerSegment syn = stamped(syn_at(w.v.rcv_nxt - 5000 + 1000 * i), kPeerClock + 1000);
    peer().send(syn);
    const wire::Segment answer = peer().take_one().segment;
    ASSERT_EQ(answer.flags, wire::kSyn | wire::kAck) << describe(answer);
    EXPECT_EQ(peer().state(), State::TimeWait);
    ASSERT_TRUE(answer.options.timestamps);
    EXPECT_GT(static_cast<int32_t>(answer.options.timestamps->value - last), 0);
    if (answer.seq.after(w.v.snd_nxt + 0xffff)) continue;
    ++inside;
    our_last = answer.options.timestamps->value;
    ack = stamped({.flags = wire::kAck, .seq = syn.seq + 1, .ack = answer.seq + 1, .options = {}},
                  kPeerClock + 1001);
  }
  ASSERT_GT(inside, 0U);
  w.app.take_events();
  peer().send(ack);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(w.app.take_events(), "established");
  EXPECT_EQ(counted(&Counters::tcp_time_wait_reopened), 1U);
}

// A cookie's clock is up to 127 ms old: at once after our last segment it tells nothing apart.
TEST_P(CookiesOverTimeWait, WithTimestamps_NoLaterThanOurLastSegment_IsSentOnlyBeyondTheOldNumbers) {
  params.memory.syn_records = 1;
  Walk& w = wait_with_timestamps(Opening::Passive);
  fill_the_queue();
  for (uint32_t i = 0; i < 40; ++i) {
    peer().send(stamped(syn_at(w.v.rcv_nxt + 1000 * i), kPeerClock + 1));
    for (const Captured& one : peer().take()) {
      ASSERT_TRUE(one.segment.options.timestamps);
      EXPECT_TRUE(one.segment.seq.after(w.v.snd_nxt + 0xffff) ||
                  static_cast<int32_t>(one.segment.options.timestamps->value - our_last) > 0)
          << describe(one.segment);
    }
  }
  EXPECT_EQ(peer().state(), State::TimeWait);
}

// The queue has room: what no cookie can answer gets a record.
TEST_P(CookiesOverTimeWait, Always_TheSynIsAnsweredBeyondTheOldNumbers) {
  uint32_t records = 0;
  for (uint32_t i = 1; i < 12; ++i) {
    Walk& w = at(Stage::TimeWait, Opening::Passive);
    params.tcp.syn_cookies = SynCookies::Always;
    peer().shard().set_tcp_params(params.tcp);
    peer().send(syn_at(w.v.rcv_nxt + 1000 * i));
    const wire::Segment answer = peer().take_one().segment;
    EXPECT_EQ(answer.flags, wire::kSyn | wire::kAck);
    EXPECT_TRUE(answer.seq.after(w.v.snd_nxt + 0xffff)) << answer.seq - w.v.snd_nxt;
    records += peer().shard().usage().syn_records;
    EXPECT_NE(peer().shard().usage().syn_records, peer().shard().usage().time_wait_records);
    params.tcp.syn_cookies = SynCookies::Auto;
  }
  EXPECT_GT(records, 0U);
  EXPECT_LT(records, 11U);
}

// The third segment of the old connection's own handshake, late: its cookie is good still.
TEST_P(CookiesOverTimeWait, AckOfTheOldConnectionsCookie_OpensNothing) {
  params.tcp.syn_cookies = SynCookies::Always;
  for (const bool stamps : {false, true}) {
    Walk& w = begin(Opening::Passive);
    w.listen();
    PeerSegment syn = syn_at(w.v.irs);
    if (stamps) syn = stamped(syn, kPeerClock - 10);
    peer().send(syn);
    const wire::Segment answer = peer().take_one().segment;
    PeerSegment third{.flags = wire::kAck, .seq = w.v.irs + 1, .ack = answer.seq + 1, .options = {}};
    if (stamps) {
      our_last = answer.options.timestamps->value;
      third = stamped(third, kPeerClock - 9);
    }
    peer().send(third);
    ASSERT_EQ(peer().state(), State::Established);
    w.app.connection->shutdown();
    const wire::Segment fin = seen().back().segment;
    PeerSegment last = third;
    last.flags = wire::kFin | wire::kAck;
    last.ack = fin.end();
    if (stamps) last = stamped(last, kPeerClock);
    peer().send(last);
    peer().take();
    ASSERT_EQ(peer().state(), State::TimeWait);
    peer().send(third);
    EXPECT_EQ(peer().state(), State::TimeWait) << stamps;
    EXPECT_EQ(peer().shard().usage().connections, 0U);
    EXPECT_EQ(counted(&Counters::tcp_syn_cookies_accepted), 1U);
  }
}

// Nobody takes the connection: the wait goes on, and the peer sends its acknowledgement again.
TEST_P(CookiesOverTimeWait, AckWithoutRoom_TheWaitGoesOn) {
  params.memory.syn_records = 1;
  Walk& w = wait_with_timestamps(Opening::Passive);
  fill_the_queue();
  peer().advance(1s);
  peer().send(stamped(syn_at(w.v.rcv_nxt), kPeerClock + 1000));
  const wire::Segment answer = peer().take_one().segment;
  our_last = answer.options.timestamps->value;
  PeerSegment ack{.flags = wire::kAck, .seq = w.v.rcv_nxt + 1, .ack = answer.seq + 1, .options = {}};
  w.app.room = 0;
  peer().send(stamped(ack, kPeerClock + 1001));
  peer().take();
  EXPECT_EQ(peer().state(), State::TimeWait);
  w.app.room = 100;
  peer().send(stamped(ack, kPeerClock + 1001));
  EXPECT_EQ(peer().state(), State::Established);
}

MILLRACE_BOTH_FAMILIES(CookiesOverTimeWait);

}  // namespace
}  // namespace millrace::conformance
