// TIME-WAIT: how a new connection follows an old one between the same two ends (RFC 9293 §3.6.1, RFC 6191),
// and what must not end the wait (RFC 1337).
#include "time_wait_scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

// ---- the peer's new SYN

TEST_P(TimeWaits, LaterTimestamp_Reopens) {
  Walk& w = wait_with_timestamps(Opening::Passive);
  // An older or an equal timestamp does not, unless, being equal, the number is larger (RFC 6191 §2).
  for (const PeerSegment& old :
       {stamped(syn_at(w.v.rcv_nxt + 5000), kPeerClock - 1), stamped(syn_at(w.v.rcv_nxt - 50), kPeerClock)}) {
    peer().send(old);
    const wire::Segment answer = peer().take_one().segment;
    EXPECT_EQ(answer.flags, wire::kAck) << describe(answer);
    EXPECT_EQ(answer.ack, w.v.rcv_nxt);
    EXPECT_EQ(peer().state(), State::TimeWait);
  }
  peer().send(stamped(syn_at(w.v.rcv_nxt - 50), kPeerClock + 1));
  const wire::Segment answer = peer().take_one().segment;
  EXPECT_EQ(answer.flags, wire::kSyn | wire::kAck) << describe(answer);
  EXPECT_EQ(peer().state(), State::SynReceived);
  EXPECT_EQ(counted(&Counters::tcp_time_wait_reopened), 1U);
}

TEST_P(TimeWaits, EqualTimestampAndALargerNumber_Reopens) {
  Walk& w = wait_with_timestamps(Opening::Passive);
  peer().send(stamped(syn_at(w.v.rcv_nxt + 1), kPeerClock));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kSyn | wire::kAck);
}

// "assigns its ISN for the new connection to be larger than the largest sequence number it used": the clock
// of RFC 6528 alone does not, where the old connection sent faster than 250 kB/s.
TEST_P(TimeWaits, Reopened_IssLiesBeyondWhatTheOldConnectionSent) {
  Walk& w = begin(Opening::Passive);
  w.open();
  for (int i = 0; i < 400; ++i) {
    w.send_text(1000);
    w.acknowledge();
  }
  w.shutdown_and_see_fin();
  w.acknowledge();
  w.finish(w.v.snd_nxt);
  peer().advance(1ms);
  peer().send(syn_at(w.v.rcv_nxt + 1));
  const wire::Segment answer = peer().take_one().segment;
  ASSERT_EQ(answer.flags, wire::kSyn | wire::kAck);
  EXPECT_TRUE(answer.seq.after(w.v.snd_nxt)) << answer.seq - w.v.snd_nxt;
}

TEST_P(TimeWaits, ReopenSwitchedOff_TheWaitGoesOn) {
  params.tcp.time_wait_reopen = false;
  Walk& w = wait_with_timestamps(Opening::Passive);
  peer().send(stamped(syn_at(w.v.rcv_nxt + 5000), kPeerClock + 1000));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck);
  EXPECT_EQ(peer().state(), State::TimeWait);
}

// Where the listener has no room the old connection's quiet time goes on, and the SYN is taken when it comes
// again.
TEST_P(TimeWaits, ReopenWithoutRoom_TheWaitGoesOn) {
  params.memory.syn_records = 1;
  params.tcp.syn_cookies = SynCookies::Never;
  Walk& w = at(Stage::TimeWait, Opening::Passive);
  fill_the_queue();
  peer().send(syn_at(w.v.rcv_nxt + 5000));
  peer().take();
  EXPECT_EQ(peer().state(), State::TimeWait);
  EXPECT_EQ(counted(&Counters::tcp_time_wait_reopened), 0U);
}

// ---- RFC 6191 §2, the SYN's timestamps beside an old connection without

TEST_P(TimeWaits, Deviation_TimestampsOverAWaitWithout_TheNumberDecides) {
  Walk& w = at(Stage::TimeWait, Opening::Passive);
  peer().send(stamped(syn_at(w.v.rcv_nxt - 50), kPeerClock));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck);
  EXPECT_EQ(peer().state(), State::TimeWait);
  peer().send(stamped(syn_at(w.v.rcv_nxt + 50), kPeerClock));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kSyn | wire::kAck);
}

// "TCP Timestamps would be enabled for the new incarnation": they would not.
TEST_P(TimeWaits, TimestampsSwitchedOffSince_TheNumberDecides) {
  Walk& w = wait_with_timestamps(Opening::Passive);
  params.tcp.timestamps = false;
  peer().shard().set_tcp_params(params.tcp);
  peer().send(stamped(syn_at(w.v.rcv_nxt - 50), kPeerClock + 1000));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck);
  EXPECT_EQ(peer().state(), State::TimeWait);
}

// ---- RFC 1337

TEST_P(TimeWaits, Assassination_AnOldDuplicateAndTheRstItDraws_EndNothing) {
  Walk& w = at(Stage::TimeWait);
  PeerSegment old = w.next(wire::kAck, 50);
  old.seq = w.v.rcv_nxt - 80;
  peer().send(old);
  const wire::Segment answer = peer().take_one().segment;
  ASSERT_EQ(answer.flags, wire::kAck);
  // Figure 1: a peer that has closed answers that acknowledgement with a RST at exactly RCV.NXT.
  peer().send({.flags = wire::kRst, .seq = answer.ack, .ack = Seq(), .options = {}});
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().state(), State::TimeWait);
}

TEST_P(TimeWaits, RstWhereItCounts_EndsTheWaitOnlyIfExact) {
  params.tcp.time_wait_ignore_rst = false;
  Walk& w = at(Stage::TimeWait);
  PeerSegment rst{.flags = wire::kRst, .seq = w.v.rcv_nxt + 1, .ack = Seq(), .options = {}};
  peer().send(rst);
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck) << "a challenge";
  EXPECT_EQ(peer().state(), State::TimeWait);
  rst.seq = w.v.rcv_nxt;
  peer().send(rst);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().state(), State::Closed);
}

// ---- time and room

TEST_P(TimeWaits, Msl_ChangedLive_CountsForThoseThatWait) {
  for (const bool shorter : {true, false}) {
    at(Stage::TimeWait);
    TcpParams changed = params.tcp;
    changed.msl = shorter ? 1s : 60s;
    peer().advance(1s);
    peer().shard().set_tcp_params(changed);
    peer().advance(2 * changed.msl - 1s - 10ms);
    EXPECT_EQ(peer().state(), State::TimeWait) << shorter;
    peer().advance(20ms);
    EXPECT_EQ(peer().state(), State::Closed) << shorter;
  }
}

TEST_P(TimeWaits, NoRoom_TheOldestGivesWayAndIsCounted) {
  params.memory.time_wait_records = 3;
  Walk& w = begin();
  for (uint16_t port = 2000; port < 2005; ++port) {
    const app::OpenResult opened =
        peer().shard().connect({.remote = peer().theirs(), .local_address = {}, .local_port = port}, w.app);
    ASSERT_NE(opened.connection, nullptr);
    peer().run();
    const wire::Segment syn = peer().take().back().segment;
    PeerSegment answer{.flags = wire::kSyn | wire::kAck, .seq = Seq(port), .ack = syn.seq + 1, .options = {}};
    answer.our_port = port;
    peer().send(answer);
    opened.connection->shutdown();
    peer().run();
    answer = {.flags = wire::kFin | wire::kAck, .seq = Seq(port + 1), .ack = syn.seq + 2, .options = {}};
    answer.our_port = port;
    peer().send(answer);
    peer().take();
    EXPECT_EQ(peer().shard().state_of({peer().ours(port), peer().theirs()}), State::TimeWait);
    peer().advance(1ms);
  }
  EXPECT_EQ(peer().shard().usage().time_wait_records, 3U);
  EXPECT_EQ(counted(&Counters::tcp_time_wait_recycled), 2U);
  for (const uint16_t port : {2000, 2001})
    EXPECT_EQ(peer().shard().state_of({peer().ours(port), peer().theirs()}), State::Closed) << port;
}

// ---- our own new connection

TEST_P(TimeWaits, Reuse_WithTimestamps_TakesThePortsOver) {
  Walk& w = wait_with_timestamps(Opening::Active);
  peer().advance(params.tcp.time_wait_reuse_after - 10ms);
  EXPECT_EQ(connect_again().error, app::OpenError::AddressInUse) << "the peer's clock may not have ticked";
  peer().advance(10ms);
  const app::OpenResult again = connect_again();
  ASSERT_NE(again.connection, nullptr);
  peer().run();
  const wire::Segment syn = peer().take_one().segment;
  EXPECT_EQ(syn.flags, wire::kSyn);
  EXPECT_TRUE(syn.seq.after(w.v.snd_nxt + 0xffff));
  ASSERT_TRUE(syn.options.timestamps);
  EXPECT_GT(static_cast<int32_t>(syn.options.timestamps->value - our_last), 0);
  our_last = syn.options.timestamps->value;
  PeerSegment answer{
      .flags = wire::kSyn | wire::kAck, .seq = Seq(77), .ack = syn.seq + 1, .options = mss_option()};
  peer().send(stamped(answer, kPeerClock + 1));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(peer().shard().usage().time_wait_records, 0U);
  EXPECT_EQ(counted(&Counters::tcp_time_wait_reused), 1U);
  // An old segment of the peer, with its old timestamp, does no harm even with fitting numbers (PAWS).
  PeerSegment old{.flags = wire::kAck, .seq = Seq(78), .ack = syn.seq + 1, .length = 30, .options = {}};
  peer().send(stamped(old, kPeerClock));
  EXPECT_TRUE(w.app.received.empty());
}

// A renewed or rotated key would give this address pair another timestamp offset: the old one counts.
TEST_P(TimeWaits, Reuse_InOneTickOfOurClock_IsNotDone) {
  params.tcp.time_wait_reuse_after = 1ms;
  Walk& w = wait_with_timestamps(Opening::Active);
  peer().advance(50ms);
  PeerSegment fin = stamped(w.next(wire::kFin | wire::kAck), kPeerClock);
  fin.seq = w.v.rcv_nxt - 2;  // an old duplicate: acknowledged, and the wait does not begin again
  peer().send(fin);
  ASSERT_EQ(peer().take_one().segment.flags, wire::kAck);
  EXPECT_EQ(connect_again().error, app::OpenError::AddressInUse) << "our SYN would carry its timestamp";
  peer().advance(1ms);
  EXPECT_EQ(connect_again().error, app::OpenError::None);
}

TEST_P(TimeWaits, Reuse_WithoutTimestamps_WaitsForTwoMsl) {
  at(Stage::TimeWait);
  peer().advance(2 * params.tcp.msl - 10ms);
  EXPECT_EQ(connect_again().error, app::OpenError::AddressInUse);
  peer().advance(20ms);
  EXPECT_EQ(connect_again().error, app::OpenError::None);
}

TEST_P(TimeWaits, ReuseSwitchedOff_WaitsForTwoMsl) {
  params.tcp.time_wait_reuse = false;
  wait_with_timestamps(Opening::Active);
  peer().advance(10s);
  EXPECT_EQ(connect_again().error, app::OpenError::AddressInUse);
}

// The peer in LAST-ACK: our last acknowledgement was lost, and our new SYN meets its old connection.
TEST_P(TimeWaits, Reuse_ThePeerStillInLastAck_IsResetAndTheSynComesAgainAtOnce) {
  Walk& w = wait_with_timestamps(Opening::Active);
  peer().advance(params.tcp.time_wait_reuse_after);
  ASSERT_EQ(connect_again().error, app::OpenError::None);
  peer().run();
  const wire::Segment syn = peer().take_one().segment;
  PeerSegment fin = stamped(w.next(wire::kFin | wire::kAck), kPeerClock);
  fin.seq = w.v.rcv_nxt - 1;
  peer().send(fin);
  const std::vector<Captured> answers = peer().take();
  ASSERT_EQ(answers.size(), 2U) << list(answers);
  EXPECT_EQ(answers[0].segment.flags, wire::kRst);
  EXPECT_EQ(answers[0].segment.seq, w.v.snd_nxt) << "exact for the old connection";
  EXPECT_EQ(answers[1].segment.flags, wire::kSyn);
  EXPECT_EQ(answers[1].segment.seq, syn.seq);
}

// ---- our SYN meets the peer's TIME-WAIT of a connection that we know nothing of

TEST_P(TimeWaits, ChallengeToOurSyn_IsResetAndTheSynComesAgainAtOnceButOnce) {
  Walk& w = at(Stage::SynSent);
  const PeerSegment challenge{.flags = wire::kAck, .seq = Seq(900), .ack = w.v.iss - 4000, .options = {}};
  peer().send(challenge);
  std::vector<Captured> answers = peer().take();
  ASSERT_EQ(answers.size(), 2U) << list(answers);
  EXPECT_EQ(answers[0].segment.flags, wire::kRst);
  EXPECT_EQ(answers[0].segment.seq, challenge.ack);
  EXPECT_EQ(answers[1].segment.flags, wire::kSyn);
  EXPECT_EQ(answers[1].segment.seq, w.v.iss);
  for (int i = 0; i < 10; ++i) {
    peer().send(challenge);
    EXPECT_EQ(peer().take_one().segment.flags, wire::kRst) << "whoever sends acknowledgements draws no SYNs";
  }
  EXPECT_EQ(counted(&Counters::tcp_syns_repeated_at_once), 1U);
  EXPECT_EQ(peer().state(), State::SynSent);
  // The retransmission time-out is what it was.
  peer().advance(1s);
  EXPECT_EQ(peer().take_one().segment.flags, wire::kSyn);
}

MILLRACE_BOTH_FAMILIES(TimeWaits);

}  // namespace
}  // namespace millrace::conformance
