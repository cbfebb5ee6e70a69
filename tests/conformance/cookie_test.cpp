// SYN flooding (RFC 4987): the queue of half-open connections, and SYN cookies (§3.6, Appendix A).
#include "scene.h"

namespace millrace::conformance {
namespace {

using std::chrono::seconds;
using tcp::State;

class Cookies : public Scene {
 protected:
  Cookies() {
    params.memory.syn_records = 2;
    params.tcp.receive_buffer = 100'000;
  }

  Walk& listening() {
    begin(Opening::Passive).listen();
    return *walk;
  }
  IpAddress somebody(uint8_t number) const {
    return GetParam() == Family::V4
               ? IpAddress::v4(10, 0, 0, number)
               : IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
  }
  // Two others' SYNs: the queue is full.
  void fill() {
    for (const uint8_t number : {101, 102}) {
      PeerSegment syn = syn_with(mss_option());
      syn.source = somebody(number);
      peer().send(syn);
      EXPECT_EQ(peer().take_one().segment.flags, wire::kSyn | wire::kAck);
    }
  }
  PeerSegment syn_with(const wire::TcpOptions& options) const {
    return {.flags = wire::kSyn, .seq = walk->v.irs, .ack = Seq(), .options = options};
  }
  static wire::TcpOptions all_options(uint16_t mss = kPeerMss, uint8_t scale = 7) {
    wire::TcpOptions options = mss_option(mss);
    options.window_scale = WindowScale(scale);
    options.timestamps = wire::Timestamps{1000, 0};
    options.sack_permitted = true;
    return options;
  }
  // The SYN-ACK that answers our SYN.
  wire::Segment syn_ack(const wire::TcpOptions& options) {
    peer().send(syn_with(options));
    return peer().take_one().segment;
  }
  // The handshake's third segment.
  PeerSegment answer_to(const wire::Segment& answer, uint32_t length = 0, wire::Flags more = {}) const {
    PeerSegment ack{.flags = wire::kAck | more,
                    .seq = walk->v.irs + 1,
                    .ack = answer.seq + 1,
                    .length = length,
                    .options = {}};
    if (answer.options.timestamps)
      ack.options.timestamps = wire::Timestamps{1010, answer.options.timestamps->value};
    return ack;
  }
  const Counters& counters() { return peer().shard().counters(); }
  uint32_t records() { return peer().shard().usage().syn_records; }
  void tell(WallTime wall) { peer().shard().set_wall_clock(wall, peer().now()); }
};

TEST_P(Cookies, FullQueue_AnsweredByACookieAndOpenedByItsAck) {
  Walk& w = listening();
  fill();
  const wire::Segment answer = syn_ack(mss_option());
  EXPECT_EQ(answer.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(answer.ack, w.v.irs + 1);
  EXPECT_EQ(records(), 2U);
  EXPECT_EQ(peer().state(), State::Listen) << "nothing is kept of the SYN";
  peer().send(answer_to(answer));
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(w.app.take_events(), "established");
  EXPECT_EQ(text_of(w.app.path()), "LISTEN > SYN-RECEIVED > ESTABLISHED");
  EXPECT_EQ(counters().tcp_syn_cookies_sent.value(), 1U);
  EXPECT_EQ(counters().tcp_syn_cookies_accepted.value(), 1U);
  EXPECT_EQ(counters().tcp_syn_queue_overflows.value(), 1U);
  EXPECT_TRUE(peer().take().empty()) << "the ACK of a SYN-ACK is not answered";
}

TEST_P(Cookies, QueueWithRoom_KeepsARecord) {
  listening();
  syn_ack(mss_option());
  EXPECT_EQ(peer().state(), State::SynReceived);
  EXPECT_EQ(counters().tcp_syn_cookies_sent.value(), 0U);
}

// RFC 4987 §3.4: those that wait already are not driven out.
TEST_P(Cookies, NeverAndFullQueue_TheNewSynIsDroppedAndTheOldOnesStay) {
  params.tcp.syn_cookies = SynCookies::Never;
  params.memory.syn_records = 3;
  Walk& w = listening();
  const wire::Segment first = syn_ack(mss_option());
  fill();
  PeerSegment late = syn_with(mss_option());
  for (uint8_t number = 110; number < 120; ++number) {
    late.source = somebody(number);
    peer().send(late);
  }
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(counters().dropped(DropReason::TcpSynQueueFull), 10U);
  EXPECT_EQ(counters().tcp_syn_queue_overflows.value(), 10U);
  EXPECT_EQ(records(), 3U);
  peer().send(answer_to(first));
  EXPECT_EQ(w.app.take_events(), "established");
}

TEST_P(Cookies, Backlog_IsTheBoundOfOneListener) {
  params.memory.syn_records = 16;
  params.tcp.syn_cookies = SynCookies::Never;
  Walk& w = begin(Opening::Passive);
  ListenerParams one{.local = peer().ours(), .backlog = 3};
  ASSERT_EQ(peer().shard().listen(one, w.app, "test"), app::OpenError::None);
  for (uint8_t number = 101; number < 110; ++number) {
    PeerSegment syn = syn_with(mss_option());
    syn.source = somebody(number);
    peer().send(syn);
  }
  EXPECT_EQ(peer().take().size(), 3U);
  EXPECT_EQ(peer().shard().listeners().at(0).half_open, 3U);
  EXPECT_EQ(peer().shard().listeners().at(0).syn_overflows, 6U);
}

// The record is given up after its retransmissions, and the queue has room again.
TEST_P(Cookies, HalfOpen_IsAnsweredAgainWithBackoffAndGivenUp) {
  params.tcp.syn_cookies = SynCookies::Never;
  params.memory.syn_records = 16;  // not crowded: the peer is looked for
  listening();
  const wire::Segment first = syn_ack(mss_option());
  const Instant begin_at = peer().now();
  peer().advance(100s);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 3U) << "syn_ack_retries";
  Micros due = 0s;
  for (size_t i = 0; i < again.size(); ++i) {
    due += (1s) * (1 << i);  // RFC 6298 §5.5
    EXPECT_EQ(again[i].at - begin_at, due);
    EXPECT_EQ(again[i].segment.seq, first.seq);
  }
  EXPECT_EQ(records(), 0U);
  EXPECT_EQ(counters().tcp_open_failures.value(), 1U);
}

TEST_P(Cookies, AckWithTextAndFin_TakesBoth) {
  params.tcp.syn_cookies = SynCookies::Always;
  Walk& w = listening();
  const wire::Segment answer = syn_ack(all_options());
  peer().send(answer_to(answer, 50, wire::kFin | wire::kPsh));
  EXPECT_EQ(w.app.take_events(), "established readable peer_finished");
  EXPECT_EQ(w.app.received.size(), 50U);
  EXPECT_EQ(w.app.received.at(0), Peer::octet_at(w.v.irs + 1));
  EXPECT_EQ(peer().state(), State::CloseWait);
  EXPECT_EQ(peer().take().back().segment.ack, w.v.irs + 52);
}

// The ACK was lost: the first text completes the handshake as well.
TEST_P(Cookies, TextInPlaceOfTheAck_OpensToo) {
  params.tcp.syn_cookies = SynCookies::Always;
  Walk& w = listening();
  const wire::Segment answer = syn_ack(all_options());
  PeerSegment second = answer_to(answer, 10);
  second.seq += 100;
  peer().send(second);
  EXPECT_EQ(peer().state(), State::Listen) << "text from the middle names another ISN";
  peer().take();
  peer().send(answer_to(answer, 100));
  EXPECT_EQ(w.app.received.size(), 100U);
}

TEST_P(Cookies, WithTimestamps_ScaleSackAndMssComeBack) {
  params.tcp.syn_cookies = SynCookies::Always;
  Walk& w = listening();
  const wire::Segment answer = syn_ack(all_options(1220, 7));
  ASSERT_TRUE(answer.options.timestamps && answer.options.window_scale);
  EXPECT_TRUE(answer.options.sack_permitted);
  EXPECT_EQ(answer.options.timestamps->echo_reply, 1000U);
  PeerSegment ack = answer_to(answer);
  ack.window = 100;  // 100 << 7
  peer().send(ack);
  w.app_send(10);
  seen();  // the peer has been looked for: from now on nothing waits for its address
  ack.ack += 10;
  peer().send(ack);
  w.app_send(20'000);
  const std::vector<Captured> sent = seen();
  ASSERT_FALSE(sent.empty());
  for (const Captured& one : sent) {
    EXPECT_LE(one.segment.payload_length, 1220U - 12U);
    ASSERT_TRUE(one.segment.options.timestamps);
    EXPECT_GE(static_cast<int32_t>(one.segment.options.timestamps->value - answer.options.timestamps->value),
              0)
        << "RFC 7323 §5.3: the peer would drop what is older than the SYN-ACK";
  }
  EXPECT_EQ(sent.front().segment.payload_length, 1208U);
  EXPECT_EQ(text_in(sent), 10U * 1208U) << "ten segments, which only a scaled window lets go";
  EXPECT_EQ(w.app.connection->tcb().hot.snd_wnd, 12'800U);
  EXPECT_TRUE(w.app.connection->tcb().hot.flags.sack);
}

TEST_P(Cookies, WithoutTimestamps_NothingIsScaledAndTheMssComesBack) {
  params.tcp.syn_cookies = SynCookies::Always;
  Walk& w = listening();
  wire::TcpOptions options = all_options(1220);
  options.timestamps.reset();
  const wire::Segment answer = syn_ack(options);
  EXPECT_FALSE(answer.options.window_scale) << "it could not be remembered";
  EXPECT_FALSE(answer.options.sack_permitted);
  EXPECT_FALSE(answer.options.timestamps);
  peer().send(answer_to(answer));
  w.app_send(3000);
  EXPECT_EQ(seen().at(0).segment.payload_length, 1220U);
  EXPECT_EQ(w.app.connection->tcb().hot.snd_wnd, 20'000U);
}

TEST_P(Cookies, SynAgain_GetsTheSameCookie) {
  params.tcp.syn_cookies = SynCookies::Always;
  listening();
  const wire::Segment first = syn_ack(all_options());
  peer().advance(1s);
  const wire::Segment second = syn_ack(all_options());
  EXPECT_EQ(first.seq, second.seq);
  peer().send(answer_to(first));
  EXPECT_EQ(peer().state(), State::Established);
}

// A slow peer: its SYN was answered by a cookie, its SYN again by a record; its ACK is for the cookie.
TEST_P(Cookies, AckOfACookieBesideARecord_OpensByTheCookie) {
  Walk& w = listening();
  fill();
  const wire::Segment cookie = syn_ack(all_options());
  peer().advance(50s);  // the others are given up
  peer().take();
  const wire::Segment record = syn_ack(all_options());
  EXPECT_EQ(records(), 1U);
  ASSERT_NE(cookie.seq, record.seq);
  peer().send(answer_to(cookie));
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(records(), 0U);
  EXPECT_EQ(w.app.take_events(), "established");
}

// RFC 9293 §3.10.7.2: an ACK in LISTEN is answered by a RST, and so is one whose cookie is not ours.
TEST_P(Cookies, AlteredAck_IsReset) {
  params.tcp.syn_cookies = SynCookies::Always;
  listening();
  const wire::Segment answer = syn_ack(all_options());
  std::vector<PeerSegment> altered(6, answer_to(answer));
  altered[0].ack += 1;
  altered[1].seq += 1;
  altered[2].source = somebody(77);
  altered[3].options.timestamps->echo_reply ^= 0x10;
  altered[4].options.timestamps.reset();
  altered[5].peer_port = kPeerPort + 1;
  for (const PeerSegment& ack : altered) {
    peer().send(ack);
    const wire::Segment reset = peer().take_one().segment;
    EXPECT_EQ(reset.flags, wire::kRst);
    EXPECT_EQ(reset.seq, ack.ack);
  }
  EXPECT_EQ(counters().tcp_syn_cookies_rejected.value(), altered.size());
  EXPECT_EQ(peer().shard().usage().connections, 0U);
  peer().send(answer_to(answer));
  EXPECT_EQ(peer().state(), State::Established);
}

TEST_P(Cookies, NoCookieSent_AnAckIsNotLookedAt) {
  listening();
  PeerSegment ack{.flags = wire::kAck, .seq = Seq(1), .ack = Seq(2), .options = {}};
  peer().send(ack);
  EXPECT_EQ(peer().take_one().segment.flags, wire::kRst);
  EXPECT_EQ(counters().tcp_syn_cookies_rejected.value(), 0U);
}

TEST_P(Cookies, SwitchedOff_EvenAGoodOneIsReset) {
  params.tcp.syn_cookies = SynCookies::Always;
  listening();
  const wire::Segment answer = syn_ack(all_options());
  params.tcp.syn_cookies = SynCookies::Never;
  peer().shard().set_tcp_params(params.tcp);
  peer().send(answer_to(answer));
  EXPECT_EQ(peer().take_one().segment.flags, wire::kRst);
}

TEST_P(Cookies, OldCookie_IsReset) {
  params.tcp.syn_cookies = SynCookies::Always;
  for (const int64_t age : {0, 59, 60, 119, 120, 240, 600}) {
    listening();
    const WallTime noon{seconds(1'800'000'000)};
    tell(noon);
    const wire::Segment answer = syn_ack(all_options());
    tell(noon + seconds(age));
    peer().send(answer_to(answer));
    EXPECT_EQ(peer().state(), age < 120 ? State::Established : State::Listen) << age;
    clean_up(*walk);
  }
}

TEST_P(Cookies, NewSecret_OldCookiesCountOnlyIfItIsNamed) {
  params.tcp.syn_cookies = SynCookies::Always;
  Secrets before, after;
  before.issue.fill(1);
  after.issue.fill(2);
  params.secrets = before;
  for (const bool named : {false, true}) {
    listening();
    const wire::Segment answer = syn_ack(all_options());
    if (named) after.accept = before.issue;
    peer().shard().set_secrets(after);
    peer().send(answer_to(answer));
    EXPECT_EQ(peer().state(), named ? State::Established : State::Listen);
    clean_up(*walk);
  }
}

// RFC 6298 §3: nobody knows when the SYN-ACK left.
TEST_P(Cookies, Ack_GivesNoRoundTripTime) {
  params.tcp.syn_cookies = SynCookies::Always;
  for (const bool timestamps : {true, false}) {
    Walk& w = listening();
    wire::TcpOptions options = all_options();
    if (!timestamps) options.timestamps.reset();
    const wire::Segment answer = syn_ack(options);
    peer().advance(300ms);
    peer().send(answer_to(answer));
    ASSERT_NE(w.app.connection, nullptr);
    EXPECT_FALSE(w.app.connection->tcb().cold.rtt.has_sample());
    w.app_send(100);
    seen();
    const Instant sent_at = peer().now();
    peer().advance(params.tcp.rto_initial + 10ms);
    const Captured again = peer().take_one();
    EXPECT_GE(again.at - sent_at, params.tcp.rto_initial);
    clean_up(w);
  }
}

// A node behind the same address: it has issued nothing, and shares the secret.
TEST_P(Cookies, OtherNodesCookie_IsAcceptedWithTheSameSecretOnly) {
  params.tcp.syn_cookies = SynCookies::Always;
  Secrets fleet;
  fleet.issue.fill(5);
  fleet.shared = true;
  params.secrets = fleet;
  listening();
  const wire::Segment answer = syn_ack(all_options());
  const PeerSegment ack = answer_to(answer);
  for (const bool same : {true, false}) {
    params.tcp.syn_cookies = SynCookies::Auto;
    if (!same) params.secrets->issue.fill(6);
    Walk& other = listening();
    peer().send(ack);
    EXPECT_EQ(peer().state(), same ? State::Established : State::Listen);
    if (same) {
      other.app_send(10);
      EXPECT_GE(static_cast<int32_t>(seen().at(0).segment.options.timestamps->value -
                                     ack.options.timestamps->echo_reply),
                0);
    }
    clean_up(other);
  }
}

// The other node's clock was ahead: what the peer has seen of it must not be undercut (RFC 7323 §5.3).
TEST_P(Cookies, OtherNodesClockAhead_OurTimestampsGoOnFromThere) {
  params.tcp.syn_cookies = SynCookies::Always;
  params.secrets.emplace().issue.fill(5);
  params.secrets->shared = true;
  listening();
  const WallTime noon{seconds(1'800'000'030)};
  tell(noon + seconds(25));
  const wire::Segment answer = syn_ack(all_options());
  const PeerSegment ack = answer_to(answer);
  Walk& other = listening();
  tell(noon);
  peer().send(ack);
  ASSERT_EQ(peer().state(), State::Established);
  other.app_send(10);
  const auto ahead = static_cast<int32_t>(seen().at(0).segment.options.timestamps->value -
                                          ack.options.timestamps->echo_reply);
  EXPECT_GE(ahead, 0);
  EXPECT_LE(ahead, 1000);
}

TEST_P(Cookies, OtherNodesCookies_AreLookedAtSoManyASecond) {
  params.secrets.emplace().shared = true;
  params.tcp.fleet_cookie_checks = 100;
  listening();
  uint32_t resets = 0;
  for (uint32_t i = 0; i < 100; ++i) {
    peer().send({.flags = wire::kAck, .seq = Seq(i), .ack = Seq(2), .options = {}});
    resets += static_cast<uint32_t>(peer().take().size());
  }
  EXPECT_EQ(resets, 10U) << "a tenth of a second's worth at once";
  EXPECT_EQ(counters().dropped(DropReason::TcpSynCookieLimit), 90U);
  peer().advance(1s);
  peer().send({.flags = wire::kAck, .seq = Seq(1), .ack = Seq(2), .options = {}});
  EXPECT_EQ(peer().take().size(), 1U);
}

// RFC 4987 §2: a flood costs neither memory nor neighbours.
TEST_P(Cookies, Flood_LeavesNothingBehind) {
  Walk& w = listening();
  fill();
  const size_t neighbors = peer().shard().neighbors().size();
  for (uint32_t i = 0; i < 20'000; ++i) {
    PeerSegment syn = syn_with(all_options());
    syn.seq = Seq(i);
    syn.source = GetParam() == Family::V4
                     ? IpAddress::v4(static_cast<uint8_t>(i % 2 == 0 ? 10 : 100), 0, 0,
                                     static_cast<uint8_t>(3 + i % 250))
                     : IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 9});
    if (syn.source == somebody(101) || syn.source == somebody(102)) continue;
    peer().enqueue(syn);
    if (i % 32 == 0) peer().run();
    if (i % 32 == 0) peer().take();
  }
  peer().run();
  peer().take();
  // The two that wait are not looked for either, though their SYN-ACKs are due again.
  peer().advance(10s);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(peer().shard().neighbors().size(), neighbors);
  const shard::Shard::Usage usage = peer().shard().usage();
  EXPECT_EQ(usage.syn_records, 2U);
  EXPECT_EQ(usage.connections + usage.timers + usage.time_wait_records, 0U);
  EXPECT_EQ(usage.buffer_bytes + usage.held_packets, 0U);
  EXPECT_GT(counters().tcp_syn_cookies_sent.value(), 19'000U);
  peer().send(answer_to(syn_ack(all_options())));
  EXPECT_EQ(w.app.take_events(), "established");
}

MILLRACE_BOTH_FAMILIES(Cookies);

}  // namespace
}  // namespace millrace::conformance
