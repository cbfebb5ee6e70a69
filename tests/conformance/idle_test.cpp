// Ends that nobody hastens: FIN-WAIT-2 without an application, and linger; and what a connection may set of
// the IP header. Written from the RFCs. Neighbours: idle_scene.h, keepalive_test.cpp, user_timeout_test.cpp.
#include "idle_scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

// ---- FIN-WAIT-2 and linger
// -----------------------------------------------------------------------------------

TEST_P(Idles, FinWait2_EndsWhenTheApplicationHasClosedAndThePeerDoesNot) {
  at(Stage::FinWait2Deaf);
  const Instant from = peer().now();
  for (int i = 0; i < 50; ++i) {  // a peer that talks without finishing cannot hold it
    peer().advance(1s);
    PeerSegment alive = walk->next(wire::kAck);
    alive.seq = walk->v.rcv_nxt;
    peer().send(alive);
  }
  EXPECT_EQ(peer().state(), State::FinWait2);
  while (peer().state() != State::Closed && peer().now() - from < 100s) peer().step(from + 100s);
  EXPECT_NEAR(std::chrono::duration<double>(peer().now() - from).count(), 60.0, 0.1);
  EXPECT_EQ(walk->app.take_events(), "closed(timed out)");
  peer().take();
  peer().send(walk->next(wire::kFin | wire::kAck));
  EXPECT_TRUE(peer().take_one().segment.flags.rst()) << "too late";
}

TEST_P(Idles, FinWait2_AfterShutdownLastsForEver) {
  at(Stage::FinWait2);
  peer().advance(5000s);
  EXPECT_EQ(peer().state(), State::FinWait2);
  connection().close();  // counts from here
  peer().run();
  peer().advance(59s);
  EXPECT_EQ(peer().state(), State::FinWait2);
  peer().advance(2s);
  EXPECT_EQ(peer().state(), State::Closed);
}

TEST_P(Idles, FinWait2_TimeCanBeSetForAConnection) {
  at(Stage::Established);
  set([](ConnectionParams& s) { s.fin_wait_2_timeout = 5s; });
  walk->close_and_see_fin();
  walk->acknowledge();
  peer().advance(5s + kSlack);
  EXPECT_EQ(peer().state(), State::Closed);

  at(Stage::Established);
  set([](ConnectionParams& s) { s.fin_wait_2_timeout = 0s; });
  walk->close_and_see_fin();
  walk->acknowledge();
  peer().advance(5000s);
  EXPECT_EQ(peer().state(), State::FinWait2);
}

TEST_P(Idles, Linger_ResetsWhatDoesNotGetThroughInTime) {
  at(Stage::EstablishedSending);
  params.tcp.data_retries = 15;
  peer().shard().set_tcp_params(params.tcp);
  set([](ConnectionParams& s) { s.linger = 10s; });
  walk->close_and_see_fin();
  peer().advance(10s - kSlack);
  EXPECT_EQ(peer().state(), State::FinWait1);
  peer().take();
  peer().advance(2 * kSlack);
  EXPECT_EQ(peer().state(), State::Closed);
  EXPECT_TRUE(walk->app.take_events().ends_with("closed(aborted)"));
  const wire::Segment reset = peer().take_one().segment;
  EXPECT_EQ(reset.flags, wire::kRst);
  EXPECT_EQ(reset.seq, walk->v.snd_nxt);
}

TEST_P(Idles, Linger_EndsWithTheAcknowledgementOfTheFin) {
  at(Stage::Established);
  set([](ConnectionParams& s) { s.linger = 10s; });
  walk->close_and_see_fin();
  walk->acknowledge();
  peer().advance(30s);
  EXPECT_EQ(peer().state(), State::FinWait2) << "that is FIN-WAIT-2's own time";
  EXPECT_TRUE(peer().take().empty());
}

TEST_P(Idles, Linger_OfNothingIsAnAbort) {
  at(Stage::EstablishedSending);
  set([](ConnectionParams& s) { s.linger = 0s; });
  connection().close();
  const std::vector<Captured> sent = seen();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().segment.flags, wire::kRst);
  EXPECT_EQ(sent.front().segment.seq, walk->v.snd_nxt);
  EXPECT_EQ(peer().state(), State::Closed);
  EXPECT_EQ(walk->app.take_events(), "closed(aborted)");
}

// ---- what IP is told
// -----------------------------------------------------------------------------------------

// MUST-48, MUST-49, SHLD-21, SHLD-22, MAY-9.
TEST_P(Idles, DiffservAndHopLimit_AreTheApplicationsToSet) {
  params.tcp.dscp = 10;
  params.tcp.hop_limit = 200;
  at(Stage::Established);
  walk->send_text(100);
  walk->acknowledge();
  peer().send(walk->next(wire::kAck, 10));
  walk->v.rcv_nxt += 10;
  const Captured before = peer().take_one();
  EXPECT_EQ(before.segment.dscp, 10);
  EXPECT_EQ(before.segment.hop_limit, 200);
  EXPECT_EQ(before.priority, 0);
  set([](ConnectionParams& s) {
    s.dscp = 46;
    s.hop_limit = 7;
    s.priority = 5;
  });
  PeerSegment marked = walk->next(wire::kAck, 10);
  marked.dscp = 34;
  peer().send(marked);
  walk->v.rcv_nxt += 10;
  const Captured after = peer().take_one();
  EXPECT_EQ(after.segment.dscp, 46);
  EXPECT_EQ(after.segment.hop_limit, 7);
  EXPECT_EQ(after.priority, 5) << "of the tag that a VLAN's frame carries";
  EXPECT_EQ(after.segment.ecn, 0) << "the neighbouring bits are not its";
  EXPECT_EQ(connection().received_dscp(), 34);
}

TEST_P(Idles, MaxSegment_OfAConnectionIsAnnouncedAndKept) {
  Walk& w = begin();
  app::ConnectOptions options;
  options.remote = peer().theirs();
  options.local_port = kOurPort;
  options.settings.max_segment = 500;
  w.app.connection = peer().shard().connect(options, w.app).connection;
  peer().run();
  const wire::Segment syn = peer().take_one().segment;
  EXPECT_EQ(syn.options.mss, Mss(500));
  peer().send({.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = syn.end(), .options = mss_option()});
  peer().take();
  w.app_send(1200);
  const std::vector<Captured> sent = seen();
  ASSERT_EQ(sent.size(), 3U) << list(sent);
  EXPECT_EQ(sent[0].segment.payload_length, 500U);
}

// No memory is left for settings: the call says so, and nothing else happens.
TEST_P(Idles, Settings_WithoutMemory_AreRefused) {
  params.memory.buffer_bytes = sizeof(tcp::TcbRare) - 1;
  at(Stage::SynSent);
  ConnectionParams settings;
  settings.keepalive = true;
  EXPECT_FALSE(connection().set(settings));
  EXPECT_EQ(connection().settings(), ConnectionParams());
}

MILLRACE_BOTH_FAMILIES(Idles);

}  // namespace
}  // namespace millrace::conformance
