// Opening (RFC 9293 §3.5, §3.9.1.1, §3.10.1, §3.10.7.2, §3.10.7.3): what the grid's cells cannot say alone.
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;
using Opens = Scene;

TEST_P(Opens, Syn_AnnouncesTheMssOfOurMtuAndNoLaterSegmentDoes) {
  Walk& w = begin();
  app::ConnectOptions options;
  options.remote = peer().theirs();
  options.local_port = kOurPort;
  w.app.connection = peer().shard().connect(options, w.app).connection;
  const wire::Segment syn = seen().at(0).segment;
  ASSERT_TRUE(syn.options.mss.has_value());
  EXPECT_EQ(syn.options.mss->octets(), full_mss());
  EXPECT_EQ(syn.payload_length, 0U);
  w.v.iss = syn.seq;
  w.v.snd_una = syn.seq;
  w.v.snd_nxt = syn.seq + 1;
  peer().send(
      {.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = mss_option()});
  EXPECT_FALSE(peer().take_one().segment.options.mss.has_value());
  w.app_send(10);
  EXPECT_FALSE(seen().at(0).segment.options.mss.has_value());
}

// MUST-15: 536 or 1220 where the peer's SYN has no MSS option; MUST-16: less where it has a small one.
TEST_P(Opens, SendMss_IsTheDefaultWithoutAnOptionAndThePeersWithOne) {
  params.tcp.timestamps = false;
  const uint32_t fallback = GetParam() == Family::V4 ? 536 : 1220;
  for (const uint32_t announced : {0U, 700U, 9000U}) {
    Walk& w = begin(announced == 700 ? Opening::Passive : Opening::Active);
    w.open(announced == 0 ? wire::TcpOptions() : mss_option(static_cast<uint16_t>(announced)));
    w.app_send(4000);
    const std::vector<Captured> text = seen();
    ASSERT_FALSE(text.empty());
    const uint32_t due = announced == 0 ? fallback : std::min<uint32_t>(announced, full_mss());
    EXPECT_EQ(text.front().segment.payload_length, due) << announced;
    EXPECT_EQ(clean_up(w), "");
  }
}

TEST_P(Opens, SynSent_QueuesTextUntilEstablished) {
  Walk& w = at(Stage::SynSent);
  EXPECT_EQ(w.app_send(100), 100U);
  EXPECT_TRUE(seen().empty()) << "RFC 9293 §3.10.2: queue the data";
  peer().send(
      {.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = mss_option()});
  const std::vector<Captured> sent = peer().take();
  EXPECT_EQ(text_in(sent), 100U) << list(sent);
  EXPECT_EQ(sent.back().segment.seq, w.v.iss + 1);
  EXPECT_EQ(sent.back().segment.ack, w.v.irs + 1);
}

// RFC 9293 §3.10.7.3, fourth: "continue processing at the sixth step".
TEST_P(Opens, SynSent_SynAckWithTextAndFin_TakesBoth) {
  Walk& w = at(Stage::SynSent);
  peer().send(
      {.flags = wire::kSyn | wire::kAck | wire::kFin, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = {}});
  EXPECT_TRUE(peer().take().empty()) << "SYN with FIN is dropped: deviation \"flags\"";
  peer().send({.flags = wire::kSyn | wire::kAck,
               .seq = w.v.irs,
               .ack = w.v.snd_nxt,
               .length = 30,
               .options = mss_option()});
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(peer().take().back().segment.ack, w.v.irs + 31);
  EXPECT_EQ(w.app.take_events(), "established readable");
  ASSERT_EQ(w.app.received.size(), 30U);
  EXPECT_EQ(w.app.received[0], Peer::octet_at(w.v.irs + 1)) << "text begins behind the SYN";
}

// Figure 8, both ways in which it ends, and text afterwards (MUST-10).
TEST_P(Opens, SimultaneousOpen_EndsInAWorkingConnection) {
  for (const bool by_syn_ack : {true, false}) {
    Walk& w = begin();
    w.half_open();
    PeerSegment last = w.next(by_syn_ack ? wire::kSyn | wire::kAck : wire::kAck);
    if (by_syn_ack) last.seq = w.v.irs;
    peer().send(last);
    peer().take();
    w.v.snd_una = w.v.snd_nxt;
    EXPECT_EQ(peer().state(), State::Established);
    EXPECT_EQ(w.app.take_events(), "established");
    w.send_text(200);
    peer().send(w.next(wire::kAck, 50));
    EXPECT_EQ(w.app.received.size(), 50U);
    EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > SYN-RECEIVED > ESTABLISHED");
    EXPECT_EQ(clean_up(w), "");
  }
}

// RFC 9293 §3.10.7.3, fourth: text of the SYN is queued until ESTABLISHED has been reached.
TEST_P(Opens, SimultaneousOpen_TextOfTheSynIsDeliveredOnceEstablished) {
  Walk& w = at(Stage::SynSent);
  peer().send({.flags = wire::kSyn, .seq = w.v.irs, .length = 30, .options = mss_option()});
  EXPECT_EQ(peer().state(), State::SynReceived);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 1) << "not before it has its place";
  EXPECT_TRUE(w.app.received.empty());
  w.v.rcv_nxt = w.v.irs + 31;
  peer().send(w.next(wire::kAck));
  EXPECT_EQ(peer().state(), State::Established);
  ASSERT_EQ(w.app.received.size(), 30U);
  EXPECT_EQ(w.app.received[0], Peer::octet_at(w.v.irs + 1));
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 31);
}

// RFC 9293 §3.10.4, SYN-RECEIVED: "form a FIN segment and send it, and enter FIN-WAIT-1".
TEST_P(Opens, SynReceived_CloseAndThenAck_GoesOnToFinWait2) {
  Walk& w = begin();
  w.half_open();
  w.app.connection->shutdown();
  std::vector<Captured> sent = seen();
  EXPECT_EQ(peer().state(), State::FinWait1);
  peer().send(w.next(wire::kAck));
  for (Captured& one : peer().take()) sent.push_back(one);
  ASSERT_FALSE(sent.empty()) << "no FIN left, neither before nor after our SYN was acknowledged";
  EXPECT_TRUE(sent.front().segment.flags.fin()) << list(sent);
  EXPECT_EQ(sent.front().segment.seq, w.v.iss + 1);
  w.v.snd_nxt = w.v.iss + 2;
  peer().send(w.next(wire::kAck));
  EXPECT_EQ(peer().state(), State::FinWait2);
}

TEST_P(Opens, SynReceived_CloseWithTextQueued_WaitsForEstablished) {
  Walk& w = begin();
  w.half_open();
  EXPECT_EQ(w.app_send(50), 50U);
  w.app.connection->shutdown();
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(peer().state(), State::SynReceived) << "RFC 9293 §3.10.4: queue for processing after ESTABLISHED";
  peer().send(w.next(wire::kAck));
  const std::vector<Captured> sent = peer().take();
  EXPECT_EQ(text_in(sent), 50U);
  ASSERT_FALSE(sent.empty());
  EXPECT_TRUE(sent.back().segment.flags.fin());
  EXPECT_EQ(peer().state(), State::FinWait1);
}

// MUST-11: a half-open passive connection that is reset leaves the listener as it was.
TEST_P(Opens, PassiveHalfOpen_ResetAndOpenedAgain) {
  Walk& w = begin(Opening::Passive);
  w.half_open();
  peer().send(w.next(wire::kRst));
  EXPECT_EQ(peer().state(), State::Listen);
  peer().send({.flags = wire::kSyn, .seq = Seq(77), .ack = Seq(), .options = mss_option()});
  const wire::Segment answer = peer().take_one().segment;
  EXPECT_EQ(answer.ack, Seq(78));
  peer().send({.flags = wire::kAck, .seq = Seq(78), .ack = answer.seq + 1, .options = {}});
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(w.app.take_events(), "established");
}

// MUST-41, MUST-42.
TEST_P(Opens, Listen_DoesNotTouchConnectionsAndConnectionsDoNotHinderIt) {
  Walk& w = at(Stage::SynSent);
  ListenerParams on_same_port;
  on_same_port.local = peer().ours();
  EXPECT_EQ(peer().shard().listen(on_same_port, w.app, "late"), app::OpenError::None);
  EXPECT_EQ(peer().state(), State::SynSent);
  EXPECT_EQ(peer().shard().listen(on_same_port, w.app, "twice"), app::OpenError::AddressInUse);
  peer().send(
      {.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.snd_nxt, .options = mss_option()});
  EXPECT_EQ(peer().state(), State::Established);
}

// MUST-8: the clock's component is 4 microseconds a step (RFC 6528 §3); SHLD-1: apart for another flow.
TEST_P(Opens, Isn_MovesWithTheClockAndDiffersByFlow) {
  Walk& w = begin();
  w.connect();
  const Seq first = w.v.iss;
  w.app.connection->abort();
  peer().run();
  peer().advance(1s);
  peer().take();
  w.connect();
  EXPECT_NEAR(static_cast<double>(w.v.iss - first), 250'000, 1'000);
  app::ConnectOptions other;
  other.remote = peer().theirs(7001);
  other.local_port = kOurPort;
  Recorder another;
  ASSERT_NE(peer().shard().connect(other, another).connection, nullptr);
  const Seq elsewhere = seen().at(0).segment.seq;
  EXPECT_GT(std::min(elsewhere - w.v.iss, w.v.iss - elsewhere), 100'000U);
  peer().shard().abort_all(peer().now());
  peer().run();
}

// MUST-43 to MUST-46.
TEST_P(Opens, Connect_ChoosesOrTakesALocalAddressAndRefusesBadOnes) {
  Walk& w = begin();
  app::ConnectOptions options;
  options.remote = peer().theirs();
  options.local_address = peer().ours().address;
  w.app.connection = peer().shard().connect(options, w.app).connection;
  ASSERT_NE(w.app.connection, nullptr);
  EXPECT_EQ(w.app.connection->local().address, peer().ours().address);
  EXPECT_EQ(seen().at(0).segment.flow.remote.address, peer().ours().address);

  const auto refused = [&](const IpAddress& remote) {
    app::ConnectOptions bad;
    bad.remote = {remote, kPeerPort};
    return peer().shard().connect(bad, w.app);
  };
  const bool v4 = GetParam() == Family::V4;
  EXPECT_EQ(refused(*IpAddress::parse(v4 ? "224.0.0.1" : "ff02::1")).error, app::OpenError::BadAddress);
  EXPECT_EQ(refused(*IpAddress::parse(v4 ? "0.0.0.0" : "::")).error, app::OpenError::BadAddress);
  if (v4) {
    EXPECT_EQ(refused(*IpAddress::parse("255.255.255.255")).error, app::OpenError::BadAddress);
    EXPECT_EQ(refused(*IpAddress::parse("10.0.0.255")).connection, nullptr) << "a directed broadcast";
  }
  options.local_address = *IpAddress::parse(v4 ? "10.0.0.77" : "2001:db8::77");
  options.remote.port = 7002;
  EXPECT_EQ(peer().shard().connect(options, w.app).error, app::OpenError::AddressNotOurs);
  EXPECT_TRUE(seen().empty());
}

// MUST-63, MUST-57: silently, for a RST would go to a group as well.
TEST_P(Opens, SynFromOrToAGroup_IsDiscardedInSilence) {
  at(Stage::Listen, Opening::Passive);
  const bool v4 = GetParam() == Family::V4;
  const std::vector<const char*> groups =
      v4 ? std::vector{"224.0.0.1", "255.255.255.255", "10.0.0.255"} : std::vector{"ff02::1", "ff0e::5"};
  const std::vector<const char*> no_sources =
      v4 ? std::vector{"0.0.0.0", "127.0.0.1"} : std::vector{"::", "::1"};
  PeerSegment syn{.flags = wire::kSyn, .seq = Seq(1), .ack = Seq(), .options = mss_option()};
  const auto expect_silence = [&](const char* address) {
    peer().send(syn);
    EXPECT_TRUE(peer().take().empty()) << address;
    EXPECT_EQ(peer().shard().usage().syn_records, 0U) << address;
  };
  for (const char* address : groups) {
    syn.destination = IpAddress::parse(address);
    expect_silence(address);
    syn.destination.reset();
    syn.source = IpAddress::parse(address);
    expect_silence(address);
    syn.source.reset();
  }
  for (const char* address : no_sources) {
    syn.source = IpAddress::parse(address);
    expect_silence(address);
  }
}

// MUST-23: by the defaults of TcpParams a SYN is sent again for at least three minutes.
TEST_P(Opens, Syn_IsTriedForThreeMinutesByDefault) {
  const TcpParams defaults;
  params.tcp.syn_retries = defaults.syn_retries;
  params.tcp.rto_initial = defaults.rto_initial;
  params.tcp.rto_max = defaults.rto_max;
  Walk& w = begin();
  w.connect();
  peer().advance(179s);
  EXPECT_EQ(peer().state(), State::SynSent) << "given up after less than 3 minutes";
}

MILLRACE_BOTH_FAMILIES(Opens);

}  // namespace
}  // namespace millrace::conformance
