// Fast Open, the server's side (RFC 7413 §4.1.2, §4.2.1, §4.2.2, §5.1): the peer is a client that asks for
// cookies and shows them.
#include "fast_open_scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class FastOpenServer : public FastOpenScene {
 protected:
  // A listener with room for so many pending connections; 0: Fast Open is off.
  Walk& listening(uint32_t pending = 4) {
    Walk& w = begin(Opening::Passive);
    EXPECT_EQ(peer().shard().listen({.local = peer().ours(), .fast_open_pending = pending}, w.app, "test"),
              app::OpenError::None);
    return w;
  }
  // The peer's SYN with an option; the answer, which is the first segment to leave.
  Captured syn(const std::optional<wire::FastOpenCookie>& cookie, uint32_t length = 0) {
    send_syn(cookie, length);
    const std::vector<Captured> sent = peer().take();
    if (sent.empty()) throw std::runtime_error("the SYN got no answer");
    walk->v.iss = walk->v.snd_una = sent.front().segment.seq;
    walk->v.snd_nxt = walk->v.iss + 1;
    return sent.front();
  }
  void send_syn(const std::optional<wire::FastOpenCookie>& cookie, uint32_t length) {
    PeerSegment segment{.flags = wire::kSyn, .seq = walk->v.irs, .length = length, .options = mss_option()};
    segment.options.fast_open = cookie;
    peer().send(segment);
  }
  // Gets a cookie by an ordinary handshake, which it resets.
  wire::FastOpenCookie earn_cookie() {
    const Captured answer = syn(wire::FastOpenCookie());
    EXPECT_TRUE(answer.segment.options.fast_open);
    peer().send({.flags = wire::kRst, .seq = walk->v.irs + 1});
    EXPECT_EQ(peer().state(), State::Listen);
    return answer.segment.options.fast_open.value_or(wire::FastOpenCookie());
  }
  // The peer's ACK of our SYN and of `early` octets behind it, after `taken` of its own.
  void acknowledge_syn(uint32_t taken, uint32_t early = 0) {
    Walk& w = *walk;
    w.v.rcv_nxt = w.v.irs + 1 + taken;
    w.v.snd_una = w.v.snd_nxt = w.v.iss + 1 + early;
    peer().send(w.next(wire::kAck));
  }
  const Counters& counters() { return peer().shard().counters(); }
};

// §4.2: "MUST ignore all cookie options" while it is off, which it is by default.
TEST_P(FastOpenServer, Off_IgnoresEveryOption) {
  Walk& w = begin(Opening::Passive);
  w.listen();
  for (const auto& cookie : {wire::FastOpenCookie(), any_cookie()}) {
    const Captured answer = syn(cookie, 100);
    EXPECT_FALSE(answer.segment.options.fast_open);
    EXPECT_EQ(answer.segment.ack, w.v.irs + 1) << "data without Fast Open is not taken";
    EXPECT_EQ(w.app.take_events(), "");
    peer().send({.flags = wire::kRst, .seq = w.v.irs + 1});
  }
}

// §4.2.1: an empty option asks for a cookie, the SYN-ACK brings it; what stands in the SYN is not taken.
TEST_P(FastOpenServer, Request_IsGrantedACookieAndItsDataIsNotTaken) {
  Walk& w = listening();
  const Captured answer = syn(wire::FastOpenCookie(), 50);
  ASSERT_TRUE(answer.segment.options.fast_open);
  EXPECT_EQ(answer.segment.options.fast_open->length, 8);
  EXPECT_FALSE(answer.segment.options.fast_open->experimental);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 1);
  EXPECT_EQ(w.app.take_events(), "");
  acknowledge_syn(0);
  EXPECT_EQ(w.app.take_events(), "established");
  EXPECT_EQ(text_of(w.app.path()), "LISTEN > SYN-RECEIVED > ESTABLISHED");
  EXPECT_EQ(counters().tcp_fast_open_cookies_granted.value(), 1U);
  EXPECT_EQ(w.app.connection->fast_open(), app::FastOpenResult::Unused);
}

TEST_P(FastOpenServer, SynWithoutTheOption_GetsNone) {
  listening();
  EXPECT_FALSE(syn(std::nullopt).segment.options.fast_open);
  peer().send({.flags = wire::kRst, .seq = walk->v.irs + 1});
}

TEST_P(FastOpenServer, ExperimentalForm_IsAnsweredInKind) {
  listening();
  wire::FastOpenCookie request;
  request.experimental = true;
  const Captured answer = syn(request);
  ASSERT_TRUE(answer.segment.options.fast_open);
  EXPECT_TRUE(answer.segment.options.fast_open->experimental);
  EXPECT_EQ(answer.segment.options.fast_open->length, 8);
  peer().send({.flags = wire::kRst, .seq = walk->v.irs + 1});
  const Captured opened = syn(answer.segment.options.fast_open, 30);
  EXPECT_EQ(opened.segment.ack, walk->v.irs + 31) << "and its cookie counts";
  acknowledge_syn(30);
}

// §4.2.2, steps 3 to 6: data is the application's before the handshake has ended, and acknowledged.
TEST_P(FastOpenServer, ValidCookie_DataIsDeliveredInSynReceived) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  const Captured answer = syn(cookie, 100);
  EXPECT_EQ(answer.segment.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 101);
  EXPECT_FALSE(answer.segment.options.fast_open) << "the cookie is the present one: nothing to renew";
  EXPECT_EQ(peer().state(), State::SynReceived);
  EXPECT_EQ(w.app.take_events(), "established readable");
  EXPECT_EQ(w.app.received, stream_of(w.v.irs + 1, 100));
  EXPECT_EQ(w.app.connection->fast_open(), app::FastOpenResult::DataAcknowledged);
  EXPECT_EQ(counters().tcp_established.value(), 0U);
  acknowledge_syn(100);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(w.app.take_events(), "") << "told once";
  EXPECT_EQ(text_of(w.app.path()), "LISTEN > SYN-RECEIVED > ESTABLISHED");
  EXPECT_EQ(counters().tcp_fast_open_accepted.value(), 1U);
  EXPECT_EQ(counters().tcp_fast_open_syn_data_accepted.value(), 1U);
  EXPECT_EQ(counters().tcp_bytes_received.value(), 100U);
  peer().send(w.next(wire::kAck, 50));
  EXPECT_EQ(w.app.received, stream_of(w.v.irs + 1, 150)) << "the stream goes on behind the SYN's data";
}

// RFC 1122 §4.2.2.13, for text that came with the SYN.
TEST_P(FastOpenServer, ClosedWithTheSynsDataUnread_Resets) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  w.app.reads = false;
  syn(cookie, 100);
  EXPECT_EQ(peer().state(), State::SynReceived);
  w.app.connection->close();
  peer().run();
  EXPECT_TRUE(peer().take_one().segment.flags.rst());
  EXPECT_NE(peer().state(), State::SynReceived);
}

// Step 5 and 6: the answer need not wait for the handshake.
TEST_P(FastOpenServer, Answer_LeavesWithTheSynAckAndIsAcknowledged) {
  Walk& w = listening();
  w.app.answer = 300;
  const wire::FastOpenCookie cookie = earn_cookie();
  send_syn(cookie, 100);
  const std::vector<Captured> sent = peer().take();
  ASSERT_EQ(sent.size(), 2U) << list(sent);
  EXPECT_EQ(sent[0].segment.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(sent[0].segment.ack, w.v.irs + 101);
  w.v.iss = sent[0].segment.seq;
  EXPECT_EQ(sent[1].segment.seq, w.v.iss + 1);
  EXPECT_EQ(sent[1].segment.ack, w.v.irs + 101);
  EXPECT_EQ(sent[1].segment.payload_length, 300U);
  EXPECT_EQ(peer().state(), State::SynReceived);
  acknowledge_syn(100, 300);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U);
  EXPECT_TRUE(seen().empty());
}

// Step 6: "MUST follow [RFC5681] [...] to set the initial congestion window", here RFC 6928's ten segments,
// and the window of the SYN, which is not scaled.
TEST_P(FastOpenServer, EarlyData_StaysWithinTheInitialWindowAndThePeersWindow) {
  for (const uint16_t window : {uint16_t{5000}, uint16_t{60'000}}) {
    params.tcp.timestamps = false;
    params.neighbor.queue_packets = 16;
    Walk& w = listening();
    w.app.answer = 100'000;
    const wire::FastOpenCookie cookie = earn_cookie();
    PeerSegment segment{
        .flags = wire::kSyn, .seq = w.v.irs, .length = 10, .window = window, .options = mss_option()};
    segment.options.fast_open = cookie;
    segment.options.window_scale = WindowScale(7);
    peer().send(segment);
    const std::vector<Captured> sent = peer().take();
    const uint32_t initial = 10U * full_mss();
    EXPECT_LE(text_in(sent), std::min<uint32_t>(window, initial)) << list(sent);
    EXPECT_GE(text_in(sent), std::min<uint32_t>(window, initial) - full_mss()) << list(sent);
    w.v.iss = sent.front().segment.seq;
    acknowledge_syn(10, text_in(sent));
    EXPECT_EQ(peer().state(), State::Established);
    EXPECT_GT(text_in(seen()), 0U) << "and goes on from there";
    EXPECT_EQ(clean_up(w), "");
    walk.reset();
  }
}

// A cookie and no data: the server may speak first (§4.2.2, step 5).
TEST_P(FastOpenServer, ValidCookieWithoutData_OpensAtOnce) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  EXPECT_EQ(syn(cookie).segment.ack, w.v.irs + 1);
  EXPECT_EQ(w.app.take_events(), "established");
  EXPECT_EQ(w.app.connection->fast_open(), app::FastOpenResult::OpenedWithoutData);
  EXPECT_EQ(w.app_send(70), 70U);
  EXPECT_EQ(text_in(seen()), 70U);
  acknowledge_syn(0, 70);
  EXPECT_EQ(peer().state(), State::Established);
}

// Step 3 and 5: an invalid cookie makes an ordinary SYN of it, and is replaced.
TEST_P(FastOpenServer, InvalidCookie_GetsAFreshOneAndAnOrdinaryHandshake) {
  Walk& w = listening();
  for (wire::FastOpenCookie cookie : {any_cookie(8), any_cookie(4), any_cookie(16)}) {
    const Captured answer = syn(cookie, 100);
    ASSERT_TRUE(answer.segment.options.fast_open);
    EXPECT_NE(*answer.segment.options.fast_open, cookie);
    EXPECT_EQ(answer.segment.ack, w.v.irs + 1);
    EXPECT_EQ(w.app.take_events(), "");
    peer().send({.flags = wire::kRst, .seq = w.v.irs + 1});
  }
  EXPECT_EQ(counters().tcp_fast_open_rejected.value(), 3U);
  EXPECT_EQ(counters().tcp_fast_open_accepted.value(), 0U);
}

// The cookie authenticates the address that the SYN comes from (§4.1.2, property 1).
TEST_P(FastOpenServer, CookieOfAnotherAddress_IsInvalid) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  PeerSegment segment{.flags = wire::kSyn,
                      .seq = w.v.irs,
                      .length = 100,
                      .options = mss_option(),
                      .source = GetParam() == Family::V4
                                    ? IpAddress::v4(10, 0, 0, 77)
                                    : IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 77})};
  segment.options.fast_open = cookie;
  peer().send(segment);
  EXPECT_EQ(w.app.take_events(), "");
  EXPECT_EQ(counters().tcp_fast_open_rejected.value(), 1U);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 1);
  peer().advance(200s);  // the half-open one is given up
  peer().take();
}

// Property 5, and the renewal that a change of keys needs.
TEST_P(FastOpenServer, CookieOfTheKeyBefore_IsTakenAndReplaced) {
  Walk& w = listening();
  const auto wall = [](int periods) {
    return WallTime(std::chrono::hours(24 * 365 * 50)) + periods * tcp::FastOpen::kKeyPeriod;
  };
  peer().shard().set_wall_clock(wall(0), peer().now());
  const wire::FastOpenCookie cookie = earn_cookie();
  peer().shard().set_wall_clock(wall(1), peer().now());
  const Captured answer = syn(cookie, 40);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 41);
  ASSERT_TRUE(answer.segment.options.fast_open);
  EXPECT_NE(*answer.segment.options.fast_open, cookie);
  acknowledge_syn(40);
  w.app.connection->abort();
  seen();
  peer().shard().set_wall_clock(wall(2), peer().now());
  EXPECT_EQ(syn(cookie, 40).segment.ack, w.v.irs + 1) << "two periods later it has expired";
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 1});
  EXPECT_EQ(syn(answer.segment.options.fast_open, 40).segment.ack, w.v.irs + 41);
  acknowledge_syn(40);
}

// §4.2, step 2: over the limit Fast Open is off, cookies included, until there is room again.
TEST_P(FastOpenServer, PendingLimit_TurnsItOffUntilAHandshakeEnds) {
  Walk& w = listening(1);
  const wire::FastOpenCookie cookie = earn_cookie();
  syn(cookie, 20);
  const Variables first = w.v;
  for (const auto& option : {cookie, wire::FastOpenCookie()}) {
    PeerSegment other{.flags = wire::kSyn,
                      .seq = w.v.irs,
                      .length = 20,
                      .options = mss_option(),
                      .peer_port = static_cast<uint16_t>(option.is_request() ? 7001 : 7002)};
    other.options.fast_open = option;
    peer().send(other);
    const wire::Segment answer = peer().take_one().segment;
    EXPECT_EQ(answer.ack, w.v.irs + 1);
    EXPECT_FALSE(answer.options.fast_open);
    peer().send({.flags = wire::kRst, .seq = w.v.irs + 1, .peer_port = other.peer_port});
  }
  EXPECT_EQ(counters().tcp_fast_open_overflows.value(), 2U);
  w.v = first;
  acknowledge_syn(20);
  EXPECT_EQ(peer().state(), State::Established);
  PeerSegment other{.flags = wire::kSyn, .seq = w.v.irs, .length = 20, .options = mss_option(), .peer_port = 7003};
  other.options.fast_open = cookie;
  peer().send(other);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 21) << "the first handshake has ended: there is room";
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 21, .peer_port = 7003});
}

// §5.1: a flood's RSTs must not make room for more of it.
TEST_P(FastOpenServer, ResetWhilePending_KeepsTheLimitChargedForAWhile) {
  Walk& w = listening(1);
  const wire::FastOpenCookie cookie = earn_cookie();
  syn(cookie, 20);
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 21});
  EXPECT_EQ(peer().state(), State::Listen);
  EXPECT_EQ(w.app.take_events(), "established readable closed(reset)");
  EXPECT_EQ(counters().tcp_open_failures.value(), 2U) << "the cookie's own connection and this one";
  peer().advance(tcp::FastOpenPending::kResetHold - 1s);
  EXPECT_EQ(syn(cookie, 20).segment.ack, w.v.irs + 1);
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 1});
  peer().advance(1s);
  EXPECT_EQ(syn(cookie, 20).segment.ack, w.v.irs + 21);
  acknowledge_syn(20);
  w.app.take_events();
}

// Step 6: "If the SYN-ACK timer fires, the server SHOULD retransmit a SYN-ACK segment with neither data nor
// Fast Open options". What it had sent early goes again once the handshake has ended, at once.
TEST_P(FastOpenServer, SynAckLost_GoesAgainBareAndEarlyDataAfterTheHandshake) {
  Walk& w = listening();
  w.app.answer = 2000;
  peer().shard().set_wall_clock(WallTime(std::chrono::hours(24)), peer().now());
  const wire::FastOpenCookie cookie = earn_cookie();
  peer().shard().set_wall_clock(WallTime(std::chrono::hours(24)) + tcp::FastOpen::kKeyPeriod, peer().now());
  const Captured first = syn(cookie, 100);
  EXPECT_TRUE(first.segment.options.fast_open);
  peer().advance(1100ms);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 1U) << list(again);
  EXPECT_EQ(again[0].segment.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(again[0].segment.seq, first.segment.seq);
  EXPECT_EQ(again[0].segment.ack, w.v.irs + 101);
  EXPECT_EQ(again[0].segment.payload_length, 0U);
  EXPECT_FALSE(again[0].segment.options.fast_open);
  EXPECT_EQ(again[0].segment.options.mss, first.segment.options.mss);
  EXPECT_EQ(again[0].segment.options.window_scale, first.segment.options.window_scale);
  acknowledge_syn(100);
  std::vector<Captured> rest = peer().take();
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest[0].segment.seq, w.v.iss + 1);
  EXPECT_GE(rest[0].segment.payload_length, 536U);
  w.v.snd_una = w.v.snd_nxt = rest[0].segment.end();
  peer().send(w.next(wire::kAck));
  rest = peer().take();
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 2000U - (w.v.snd_una - (w.v.iss + 1)));
  EXPECT_GT(text_in(rest), 0U) << "the whole goes again, not the first segment alone";
}

// The SYN-ACK's own retries bound it, and the application hears of it.
TEST_P(FastOpenServer, PeerNeverAnswers_IsGivenUpAfterTheRetriesOfASynAck) {
  Walk& w = listening(1);
  const wire::FastOpenCookie cookie = earn_cookie();
  syn(cookie, 100);
  peer().advance(300s);
  const std::vector<Captured> sent = peer().take();
  EXPECT_EQ(sent.size(), params.tcp.syn_ack_retries) << list(sent);
  EXPECT_EQ(w.app.take_events(), "established readable closed(timed out)");
  EXPECT_EQ(peer().state(), State::Listen);
  EXPECT_EQ(syn(cookie, 20).segment.ack, w.v.irs + 21) << "and makes room: no RST, no charge";
  acknowledge_syn(20);
}

// The client's fall-back, a SYN without data and option, meets the connection that its first one opened.
TEST_P(FastOpenServer, SynAgainWithoutData_GetsTheSynAckThatAcknowledgesTheData) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  const Captured first = syn(cookie, 100);
  send_syn(std::nullopt, 0);
  const Captured again = peer().take_one();
  EXPECT_EQ(again.segment.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(again.segment.seq, first.segment.seq);
  EXPECT_EQ(again.segment.ack, w.v.irs + 101);
  EXPECT_EQ(w.app.received.size(), 100U);
  send_syn(cookie, 100);  // and the first one again, duplicated by the network
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 101);
  EXPECT_EQ(w.app.received.size(), 100U) << "not delivered twice";
  acknowledge_syn(100);
  send_syn(cookie, 100);
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck) << "ESTABLISHED: a challenge ACK";
  EXPECT_EQ(w.app.received.size(), 100U);
}

// §2.1, §6.1: what Fast Open cannot prevent, and why it is off by default.
TEST_P(FastOpenServer, DuplicateSynAfterTheEnd_IsDeliveredAgain) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  syn(cookie, 100);
  acknowledge_syn(100);
  peer().send(w.next(wire::kRst));
  EXPECT_EQ(w.app.take_events(), "established readable closed(reset)");
  syn(cookie, 100);
  EXPECT_EQ(w.app.take_events(), "established readable");
  EXPECT_EQ(w.app.received.size(), 200U);
  acknowledge_syn(100);
}

// RFC 9293 §3.10.4: a CLOSE behind data that has been sent waits for ESTABLISHED.
TEST_P(FastOpenServer, CloseAfterTheAnswer_SendsFinOnceEstablished) {
  Walk& w = listening();
  w.app.answer = 50;
  w.app.closes_after_answer = true;
  const wire::FastOpenCookie cookie = earn_cookie();
  send_syn(cookie, 100);
  std::vector<Captured> sent = peer().take();
  ASSERT_EQ(sent.size(), 2U) << list(sent);
  EXPECT_FALSE(sent[1].segment.flags.fin());
  EXPECT_EQ(peer().state(), State::SynReceived);
  w.v.iss = sent[0].segment.seq;
  acknowledge_syn(100, 50);
  sent = peer().take();
  ASSERT_EQ(sent.size(), 1U) << list(sent);
  EXPECT_TRUE(sent[0].segment.flags.fin());
  EXPECT_EQ(text_of(w.app.path()), "LISTEN > SYN-RECEIVED > ESTABLISHED > FIN-WAIT-1");
}

// Closing without an answer leads to FIN-WAIT-1 before the handshake has ended: it stays charged meanwhile.
TEST_P(FastOpenServer, CloseAtOnce_StaysPendingUntilTheSynIsAcknowledged) {
  Walk& w = listening(1);
  w.app.closes_after_answer = true;
  const wire::FastOpenCookie cookie = earn_cookie();
  send_syn(cookie, 100);
  const std::vector<Captured> sent = peer().take();
  w.v.iss = sent.at(0).segment.seq;
  EXPECT_EQ(peer().state(), State::FinWait1);
  PeerSegment other{.flags = wire::kSyn, .seq = w.v.irs, .length = 20, .options = mss_option(), .peer_port = 7001};
  other.options.fast_open = cookie;
  peer().send(other);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 1) << "over the limit";
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 1, .peer_port = 7001});
  acknowledge_syn(100, 1);
  EXPECT_EQ(peer().state(), State::FinWait2);
}

// No memory for its data: nothing of it is acknowledged, and nothing lost.
TEST_P(FastOpenServer, DataLargerThanTheWindow_IsTakenAsFarAsItFits) {
  params.tcp.receive_buffer = 300;
  Walk& w = listening();
  w.app.reads = false;
  const wire::FastOpenCookie cookie = earn_cookie();
  const Captured answer = syn(cookie, 500);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 301);
  EXPECT_EQ(answer.segment.window, WireWindow(0));
  w.app.reads = true;
  w.app.drain(*w.app.connection);
  EXPECT_EQ(w.app.received, stream_of(w.v.irs + 1, 300));
  acknowledge_syn(300);
}

// §4.1.1: "Options with invalid Length values or without SYN flag set MUST be ignored."
TEST_P(FastOpenServer, OptionOfABadLengthOrWithoutSyn_IsIgnored) {
  Walk& w = listening();
  const Captured answer = syn(any_cookie(5), 100);
  EXPECT_FALSE(answer.segment.options.fast_open);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 1);
  w.v.rcv_nxt = w.v.irs + 1;
  PeerSegment ack = w.next(wire::kAck);
  ack.options.fast_open = any_cookie();
  peer().send(ack);
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_TRUE(seen().empty());
}

TEST_P(FastOpenServer, SwitchedOffLive_IgnoresEveryOption) {
  Walk& w = listening();
  const wire::FastOpenCookie cookie = earn_cookie();
  TcpParams off = params.tcp;
  off.fast_open = false;
  peer().shard().set_tcp_params(off);
  const Captured answer = syn(cookie, 100);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 1);
  EXPECT_FALSE(answer.segment.options.fast_open);
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 1});
  peer().shard().set_tcp_params(params.tcp);
  EXPECT_TRUE(peer().shard().set_fast_open_pending(peer().ours(), 0));
  EXPECT_EQ(syn(cookie, 100).segment.ack, w.v.irs + 1);
  peer().send({.flags = wire::kRst, .seq = w.v.irs + 1});
  EXPECT_FALSE(peer().shard().set_fast_open_pending(peer().ours(81), 4)) << "nobody listens there";
}

MILLRACE_BOTH_FAMILIES(FastOpenServer);

}  // namespace
}  // namespace millrace::conformance
