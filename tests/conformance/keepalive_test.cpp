// Keep-alive (RFC 9293 §3.8.4), written from the RFC. Neighbours: idle_scene.h, user_timeout_test.cpp.
#include "idle_scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

// MUST-24, MUST-25.
TEST_P(Idles, KeepAlive_IsOffUntilAConnectionAsksForIt) {
  at(Stage::Established);
  peer().advance(20'000s);
  EXPECT_TRUE(peer().take().empty());
  keep_alive(10s, 2s, 3);
  peer().advance(2ms);
  expect_probe(peer().take_one());  // the silence has lasted for longer than that already
  peer().advance(1900ms);
  EXPECT_TRUE(peer().take().empty()) << "but the peer gets its time to answer";
  EXPECT_EQ(peer().state(), State::Established);
  peer().send(walk->next(wire::kAck));
  set([](ConnectionParams& s) { s.keepalive = false; });
  peer().advance(20'000s);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().state(), State::Established);
}

// MUST-28: two hours.
TEST_P(Idles, KeepAlive_WaitsForTwoHoursByDefault) {
  params.tcp.keepalive = true;
  at(Stage::Established);
  Captured probe;
  const Micros took = until_next(probe, 10'000s);
  EXPECT_GE(took, 7200s - kSlack);
  EXPECT_LE(took, 7200s + 8s) << "the wheel's slot";
  expect_probe(probe);
}

// MUST-27, MUST-29, MAY-5; the end is told.
TEST_P(Idles, KeepAlive_ASilentPeerIsGivenUpAfterTheLastProbe) {
  for (const Stage stage : {Stage::Established, Stage::CloseWait, Stage::FinWait2}) {
    at(stage);
    keep_alive(10s, 2s, 3);
    const Instant from = peer().now();
    for (int i = 0; i < 3; ++i) {
      Captured probe;
      until_next(probe, 30s);
      expect_probe(probe);
      EXPECT_GE(probe.at - from, 10s + i * 2s - 3 * kRoundTrip);
      EXPECT_LE(probe.at - from, 10s + i * 2s + kSlack);
    }
    EXPECT_EQ(peer().state(), state_of(stage)) << "not for a lost probe";
    peer().advance(2s - 4 * kRoundTrip);
    EXPECT_EQ(peer().state(), state_of(stage));
    peer().advance(2 * kSlack + 4 * kRoundTrip);
    EXPECT_EQ(peer().state(), State::Closed);
    EXPECT_EQ(walk->app.take_events(), "closed(timed out)");
    const Captured last = peer().take_one();
    EXPECT_TRUE(last.segment.flags.rst()) << "should it be alive after all, it learns of it";
    EXPECT_EQ(last.segment.seq, walk->v.snd_nxt);
    EXPECT_EQ(peer().shard().counters().tcp_keepalive_timeouts.value(), 1U);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

TEST_P(Idles, KeepAlive_AnyAnswerBeginsANewSilence) {
  at(Stage::Established);
  keep_alive(10s, 2s, 3);
  for (int i = 0; i < 5; ++i) {
    Captured probe;
    until_next(probe, 30s);
    until_next(probe, 30s);  // the first is lost
    expect_probe(probe);
    peer().send(walk->next(wire::kAck));
    EXPECT_TRUE(peer().take().empty()) << "the answer is not answered";
    const Instant answered = peer().now();
    until_next(probe, 30s);
    EXPECT_GE(probe.at - answered, 10s - kSlack);
    EXPECT_LE(probe.at - answered, 10s + kSlack);
    peer().send(walk->next(wire::kAck));
  }
  EXPECT_EQ(peer().state(), State::Established);
}

// MUST-26: neither while data is outstanding nor within the interval after something has come.
TEST_P(Idles, KeepAlive_OnlyWhileTheConnectionIsIdle) {
  at(Stage::EstablishedSending);
  keep_alive(100ms, 100ms, 3);
  for (const Captured& seen : [&] {
         peer().advance(2s);
         return peer().take();
       }())
    EXPECT_EQ(seen.segment.seq, walk->v.snd_una) << "a retransmission, no probe: " << describe(seen.segment);
  EXPECT_EQ(peer().shard().counters().tcp_keepalive_probes_sent.value(), 0U);
  walk->acknowledge();
  set([](ConnectionParams& s) { s.keepalive_idle = 10s; });
  for (int i = 0; i < 10; ++i) {
    peer().advance(9s);
    peer().send(walk->next(wire::kAck, 10));
    walk->v.rcv_nxt += 10;
    EXPECT_EQ(peer().take_one().segment.ack, walk->v.rcv_nxt) << "an acknowledgement, no probe";
  }
  EXPECT_EQ(peer().shard().counters().tcp_keepalive_probes_sent.value(), 0U);
}

// SHLD-12, MAY-6.
TEST_P(Idles, KeepAlive_CarriesAnOctetOnlyIfConfigured) {
  params.tcp.keepalive_octet = true;
  params.tcp.keepalive = true;
  params.tcp.keepalive_idle = 10s;
  at(Stage::Established);
  Captured probe;
  until_next(probe, 30s);
  expect_probe(probe, 1);
  EXPECT_EQ(probe.payload, std::vector<uint8_t>{0});
}

// All of it live, for connections that are idle at the time.
TEST_P(Idles, KeepAlive_ChangesOfTheShardReachIdleConnections) {
  at(Stage::Established);
  peer().advance(100s);
  params.tcp.keepalive = true;
  params.tcp.keepalive_idle = 150s;
  peer().shard().set_tcp_params(params.tcp);
  Captured probe;
  const Micros took = until_next(probe, 500s);
  EXPECT_GE(took, 50s - 1s);
  EXPECT_LE(took, 51s);
  peer().send(walk->next(wire::kAck));
  params.tcp.keepalive = false;
  peer().shard().set_tcp_params(params.tcp);
  peer().advance(1000s);
  EXPECT_TRUE(peer().take().empty());
}

TEST_P(Idles, KeepAlive_OfAListenerIsForAllThatItAccepts) {
  Walk& w = begin(Opening::Passive);
  ListenerParams listener;
  listener.local = peer().ours();
  listener.connection.keepalive = true;
  listener.connection.keepalive_idle = 5s;
  ASSERT_EQ(peer().shard().listen(listener, w.app, "kept"), app::OpenError::None);
  peer().send({.flags = wire::kSyn, .seq = w.v.irs, .ack = Seq(), .options = mss_option()});
  w.v.snd_nxt = peer().take_one().segment.end();
  w.v.rcv_nxt = w.v.irs + 1;
  peer().send(w.next(wire::kAck));
  Captured probe;
  until_next(probe, 30s);
  expect_probe(probe);
  EXPECT_EQ(peer().shard().usage().buffer_bytes, sizeof(tcp::TcbRare))
      << "only now it has something of its own";
}

// A device that takes nothing, as with its link down, does not stop the clock.
TEST_P(Idles, DeviceTakesNothing_TheTimersGoOnAllTheSame) {
  at(Stage::Established);
  keep_alive(10s, 2s, 3);
  peer().block(true);
  peer().advance(15s);
  EXPECT_EQ(peer().state(), State::Established);
  peer().advance(1s + kSlack);
  EXPECT_EQ(peer().state(), State::Closed);
  EXPECT_EQ(walk->app.take_events(), "closed(timed out)");

  at(Stage::EstablishedSending);  // its retransmissions likewise, until R2
  const Micros rto = walk->least_rto(params.tcp);
  peer().block(true);
  peer().advance(31 * rto - 3 * kRoundTrip);
  EXPECT_EQ(peer().state(), State::Established);
  peer().advance(100ms);
  EXPECT_EQ(peer().state(), State::Closed);
  peer().block(false);
}

}  // namespace
}  // namespace millrace::conformance
