// What happens when nothing does: keep-alive (RFC 9293 §3.8.4), the user timeout (§3.9.1, RFC 5482),
// FIN-WAIT-2 without an application, linger, and reports at R1 (§3.8.3). Written from the RFCs.
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

constexpr Micros kSlack = 25ms;

class Idles : public Scene {
 protected:
  app::Connection& connection() { return *walk->app.connection; }
  // Changes one thing of the connection's own settings.
  template <typename Change>
  void set(Change change) {
    ConnectionParams settings = connection().settings();
    change(settings);
    ASSERT_TRUE(connection().set(settings));
    peer().run();
  }
  void keep_alive(Micros idle, Micros interval, uint32_t probes) {
    set([&](ConnectionParams& s) {
      s.keepalive = true;
      s.keepalive_idle = idle;
      s.keepalive_interval = interval;
      s.keepalive_probes = probes;
    });
  }
  // How long until something leaves; it is one segment.
  Micros until_next(Captured& seen, Micros bound) {
    const Instant from = peer().now();
    while (peer().now() - from < bound) {
      peer().step(from + bound);
      std::vector<Captured> all = peer().take();
      if (all.empty()) continue;
      EXPECT_EQ(all.size(), 1U) << list(all);
      seen = all.front();
      return seen.at - from;
    }
    return Micros::max();
  }
  void expect_probe(const Captured& seen, uint32_t octets = 0) {
    const Walk& w = *walk;
    EXPECT_EQ(seen.segment.flags, wire::kAck) << describe(seen.segment);
    EXPECT_EQ(seen.segment.seq, w.v.snd_nxt - 1) << "SEG.SEQ = SND.NXT-1";
    EXPECT_EQ(seen.segment.ack, w.v.rcv_nxt);
    EXPECT_EQ(seen.segment.payload_length, octets);
  }
};

// ---- keep-alive
// ----------------------------------------------------------------------------------------------

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

// ---- user timeout
// --------------------------------------------------------------------------------------------

TEST_P(Idles, UserTimeout_EndsWhatStaysUnacknowledged) {
  for (const Micros timeout : {Micros(100ms), Micros(5s), Micros(60s)}) {
    at(Stage::EstablishedSending);
    const Instant from = peer().now();
    set([&](ConnectionParams& s) { s.user_timeout = timeout; });
    peer().advance(timeout - kSlack - 2 * kRoundTrip);
    EXPECT_EQ(peer().state(), State::Established) << "R2 as a count (4) does not apply";
    while (peer().state() != State::Closed && peer().now() - from < 2 * timeout)
      peer().step(from + 2 * timeout);
    EXPECT_LE(peer().now() - from, timeout + kSlack);
    EXPECT_EQ(peer().state(), State::Closed);
    EXPECT_TRUE(walk->app.take_events().ends_with("closed(timed out)"));
    for (const Captured& seen : peer().take())
      EXPECT_FALSE(seen.segment.flags.rst()) << "in silence (§3.10.8)";
    EXPECT_EQ(peer().shard().counters().tcp_user_timeouts.value(), 1U);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

TEST_P(Idles, UserTimeout_CountsAnewWithEveryProgress) {
  at(Stage::Established);
  set([](ConnectionParams& s) { s.user_timeout = 2s; });
  for (int i = 0; i < 5; ++i) {
    walk->send_text(100);
    peer().advance(1500ms);
    peer().take();
    walk->acknowledge();
  }
  EXPECT_EQ(peer().state(), State::Established);
  peer().advance(100s);
  EXPECT_EQ(peer().state(), State::Established) << "nothing is outstanding";
}

TEST_P(Idles, UserTimeout_OfTheOpen) {
  at(Stage::SynSent);
  set([](ConnectionParams& s) { s.user_timeout = 30s; });
  peer().advance(29s);
  EXPECT_EQ(peer().state(), State::SynSent) << "three retransmissions would have been over by then";
  peer().advance(1s + kSlack);
  EXPECT_TRUE(walk->app.take_events().ends_with("closed(timed out)"));
}

// MUST-37: probes that are answered keep a closed window's connection.
TEST_P(Idles, UserTimeout_LeavesAClosedWindowAloneWhileThePeerAnswers) {
  at(Stage::Established);
  set([](ConnectionParams& s) { s.user_timeout = 3s; });
  PeerSegment shut = walk->next(wire::kAck);
  shut.window = 0;
  peer().send(shut);
  ASSERT_EQ(walk->app_send(300), 300U);
  for (int i = 0; i < 40; ++i) {
    peer().advance(500ms);
    peer().take();
    peer().send(shut);
  }
  EXPECT_EQ(peer().state(), State::Established);
  peer().advance(3s + kSlack);
  EXPECT_EQ(peer().state(), State::Closed);
}

// With keep-alive it says when a silent peer is given up, in place of the number of probes.
TEST_P(Idles, UserTimeout_TakesThePlaceOfTheNumberOfProbes) {
  at(Stage::Established);
  keep_alive(10s, 2s, 2);
  set([](ConnectionParams& s) { s.user_timeout = 15s; });
  peer().advance(15s - 4 * kRoundTrip);
  EXPECT_EQ(peer().state(), State::Established);
  peer().advance(8 * kRoundTrip);
  EXPECT_EQ(peer().state(), State::Closed);
}

// RFC 5482 §3.1: only where it is switched on, and within the limits.
TEST_P(Idles, UserTimeoutOption_IsAdoptedWithinLimitsWhereItIsSwitchedOn) {
  struct Row {
    bool on;
    uint16_t option;
    Micros due;
  };
  for (const Row& row :
       {Row{false, 200, 0s}, Row{true, 200, 200s}, Row{true, 1, 100s}, Row{true, 0x8000 | 5, 300s},
        Row{true, 0xffff, 3600s}, Row{true, 0, 0s}, Row{true, 0x8000, 0s}}) {
    params.tcp.user_timeout_option = row.on;
    Walk& w = at(Stage::Established);
    // The option by hand: kind 28, length 4, in place of padding that a header with timestamps would have.
    PeerSegment segment = w.next(wire::kAck, 10);
    wire::TcpOptions options;
    options.timestamps = wire::Timestamps{};  // 12 octets of room
    segment.options = options;
    std::vector<uint8_t> frame = peer().frame_of(segment);
    const size_t at_option = frame.size() - 10 - 12;
    const std::array<uint8_t, 12> bytes = {
        28, 4, static_cast<uint8_t>(row.option >> 8), static_cast<uint8_t>(row.option), 1, 1, 1, 1, 1, 1,
        1,  1};
    uint32_t sum = 0;  // the checksum follows by RFC 1624
    const size_t checksum_at = frame.size() - 10 - 12 - 20 + 16;
    sum = 0xffffU & ~(uint32_t{frame[checksum_at]} << 8 | frame[checksum_at + 1]);
    for (size_t i = 0; i < 12; i += 2) {
      sum += 0xffffU & ~(uint32_t{frame[at_option + i]} << 8 | frame[at_option + i + 1]);
      sum += uint32_t{bytes[i]} << 8 | bytes[i + 1];
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    std::copy(bytes.begin(), bytes.end(), frame.begin() + static_cast<ptrdiff_t>(at_option));
    frame[checksum_at] = static_cast<uint8_t>(~sum >> 8);
    frame[checksum_at + 1] = static_cast<uint8_t>(~sum);
    peer().send_frame(frame);
    w.v.rcv_nxt += 10;
    ASSERT_EQ(peer().take_one().segment.ack, w.v.rcv_nxt);
    w.send_text(100);
    const Instant from = peer().now();
    while (peer().state() != State::Closed && peer().now() - from < 5000s) peer().step(from + 5000s);
    if (row.due == 0s) {
      EXPECT_LT(peer().now() - from, 60s) << "R2 as a count: " << row.option;
    } else {
      EXPECT_NEAR(std::chrono::duration<double>(peer().now() - from).count(),
                  std::chrono::duration<double>(row.due).count(), 8.0)
          << row.option;
    }
    EXPECT_EQ(clean_up(w), "");
  }
}

// ---- R1 and R2
// -----------------------------------------------------------------------------------------------

// MUST-21.
TEST_P(Idles, R2_CanBeSetForAConnection) {
  at(Stage::EstablishedSending);
  set([](ConnectionParams& s) { s.data_retries = 2; });
  peer().advance(7 * walk->least_rto(params.tcp) - 3 * kRoundTrip);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(peer().take().size(), 2U);
  peer().advance(100ms);
  EXPECT_EQ(peer().state(), State::Closed);

  at(Stage::SynSent);
  set([](ConnectionParams& s) { s.syn_retries = 1; });
  peer().advance(3s + kSlack);
  EXPECT_EQ(peer().state(), State::Closed);
}

// MUST-20, SHLD-9, SHLD-10; SHLD-20.
TEST_P(Idles, R1_IsReportedToTheApplicationOnce) {
  params.tcp.report_retries = TcpParams().report_retries;
  at(Stage::EstablishedSending);
  peer().advance(1300ms);
  EXPECT_EQ(peer().take().size(), 2U);
  EXPECT_EQ(walk->app.take_events(), "");
  peer().advance(300ms);
  EXPECT_EQ(walk->app.take_events(), "error(retransmitting)") << "after the third";
  EXPECT_EQ(connection().last_soft_error(), app::SoftError::Retransmitting);
  peer().take();
  walk->acknowledge();
  EXPECT_EQ(connection().last_soft_error(), app::SoftError::None);

  at(Stage::EstablishedSending);
  set([](ConnectionParams& s) { s.error_reports = false; });
  peer().advance(2s);
  EXPECT_EQ(walk->app.take_events(), "");
  EXPECT_EQ(connection().last_soft_error(), app::SoftError::Retransmitting) << "whoever asks is told";
}

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
