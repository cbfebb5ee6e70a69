// Fast Open, the client's side (RFC 7413 §4.1.3, §4.2.1, §4.2.2): the peer is a server that grants cookies,
// takes data or does not, or is hidden behind a path that loses what it does not know.
#include "fast_open_scene.h"

namespace millrace::conformance {
namespace {

using app::FastOpenResult;
using tcp::State;

class FastOpenClient : public FastOpenScene {
 protected:
  // connect() with `octets` of data; our SYN, the first segment to leave.
  Captured connect(uint32_t octets = 0, bool fast_open = true, uint16_t to = kPeerPort) {
    Walk& w = *walk;
    data.resize(octets);
    for (uint32_t i = 0; i < octets; ++i) data[i] = static_cast<uint8_t>(7 * i);
    app::ConnectOptions options;
    options.remote = peer().theirs(to);
    options.local_port = kOurPort;
    options.data = data;
    options.fast_open = fast_open;
    const app::OpenResult result = peer().shard().connect(options, w.app);
    if (result.connection == nullptr) throw std::runtime_error("connect() failed");
    taken = result.taken;
    w.app.connection = result.connection;
    peer().run();
    const Captured syn = peer().take_one();
    w.v.iss = syn.segment.seq;
    return syn;
  }
  // The server's SYN-ACK for `octets` of the SYN's data.
  void syn_ack(uint32_t octets, const std::optional<wire::FastOpenCookie>& cookie = std::nullopt,
               uint16_t mss = kPeerMss, uint32_t text = 0) {
    Walk& w = *walk;
    PeerSegment segment{.flags = wire::kSyn | wire::kAck,
                        .seq = w.v.irs,
                        .ack = w.v.iss + 1 + octets,
                        .length = text,
                        .options = mss_option(mss)};
    segment.options.fast_open = cookie;
    peer().send(segment);
    w.v.rcv_nxt = w.v.irs + 1 + text;
  }
  // Ends the connection, so that the next one finds the port free.
  void end() {
    if (walk->app.connection != nullptr) walk->app.connection->abort();
    seen();
    walk->app.take_events();
    walk->app.received.clear();
  }
  void learn_cookie(uint16_t mss = kPeerMss) {
    begin();
    connect();
    syn_ack(0, any_cookie(), mss);
    end();
  }
  const Counters& counters() { return peer().shard().counters(); }

  std::vector<uint8_t> data;
  uint32_t taken = 0;
};

// It is off unless connect() says otherwise: "MUST NOT" for applications that cannot bear duplicates (§6.1).
TEST_P(FastOpenClient, NotAskedFor_SendsNoOption) {
  learn_cookie();
  const Captured syn = connect(100, false);
  EXPECT_FALSE(syn.segment.options.fast_open);
  EXPECT_EQ(syn.segment.payload_length, 0U);
  EXPECT_EQ(taken, 100U) << "queued, to be sent after the handshake";
  syn_ack(0);
  EXPECT_EQ(text_in(peer().take()), 100U);
  EXPECT_EQ(walk->app.connection->fast_open(), FastOpenResult::Unused);
}

// §4.2.1: the first connection asks; data waits for the handshake.
TEST_P(FastOpenClient, WithoutACookie_AsksForOneAndSendsDataAfterTheHandshake) {
  begin();
  const Captured syn = connect(100);
  ASSERT_TRUE(syn.segment.options.fast_open);
  EXPECT_TRUE(syn.segment.options.fast_open->is_request());
  EXPECT_FALSE(syn.segment.options.fast_open->experimental);
  EXPECT_EQ(syn.segment.payload_length, 0U);
  EXPECT_EQ(walk->app.connection->fast_open(), FastOpenResult::CookieRequested);
  app::ConnectOptions options;
  options.remote = peer().theirs();
  EXPECT_EQ(peer().shard().fast_open_room(options), 0U);
  syn_ack(0, any_cookie());
  EXPECT_EQ(text_in(peer().take()), 100U);
  // What the server announced, without room for any option.
  EXPECT_EQ(peer().shard().fast_open_room(options), std::min<uint32_t>(kPeerMss, full_mss()) - 40U);
  EXPECT_EQ(counters().tcp_fast_open_cookies_requested.value(), 1U);
  EXPECT_EQ(counters().tcp_fast_open_cookies_received.value(), 1U);
}

// §4.2.2, client: cookie and data in the SYN; the SYN-ACK acknowledges both.
TEST_P(FastOpenClient, WithACookie_DataGoesWithTheSyn) {
  learn_cookie();
  Walk& w = *walk;
  const Captured syn = connect(100);
  ASSERT_TRUE(syn.segment.options.fast_open);
  EXPECT_EQ(*syn.segment.options.fast_open, any_cookie());
  EXPECT_EQ(syn.payload, data);
  EXPECT_EQ(taken, 100U);
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 100U);
  EXPECT_EQ(w.app.connection->fast_open(), FastOpenResult::CookieSent);
  syn_ack(100, std::nullopt, kPeerMss, 60);
  EXPECT_EQ(peer().take_one().segment.ack, w.v.irs + 61);
  EXPECT_EQ(w.app.take_events(), "established readable");
  EXPECT_EQ(w.app.received, stream_of(w.v.irs + 1, 60)) << "data of a SYN-ACK is taken too";
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U);
  EXPECT_EQ(w.app.connection->fast_open(), FastOpenResult::DataAcknowledged);
  EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > ESTABLISHED");
  EXPECT_EQ(counters().tcp_fast_open_syn_data_acknowledged.value(), 1U);
  EXPECT_EQ(counters().tcp_bytes_sent.value(), 100U);
  EXPECT_EQ(counters().tcp_retransmitted_segments.value(), 0U);
}

// The server's early answer follows its SYN-ACK at once: both come in one burst, before our ACK has left.
TEST_P(FastOpenClient, AnswerInTheBurstOfTheSynAck_IsTaken) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  peer().enqueue(
      {.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.iss + 101, .options = mss_option()});
  peer().send({.flags = wire::kAck, .seq = w.v.irs + 1, .ack = w.v.iss + 101, .length = 60});
  EXPECT_EQ(peer().take().back().segment.ack, w.v.irs + 61);
  EXPECT_EQ(w.app.received, stream_of(w.v.irs + 1, 60));
  w.v.rcv_nxt = w.v.irs + 61;
}

// send() in the iteration of connect() is as good as data given to connect().
TEST_P(FastOpenClient, DataQueuedBeforeTheSynLeaves_GoesWithIt) {
  learn_cookie();
  Walk& w = *walk;
  app::ConnectOptions options;
  options.remote = peer().theirs();
  options.local_port = kOurPort;
  options.fast_open = true;
  w.app.connection = peer().shard().connect(options, w.app).connection;
  EXPECT_EQ(w.app_send(40), 40U);
  const Captured syn = seen().at(0);
  EXPECT_EQ(syn.segment.payload_length, 40U);
  w.v.iss = syn.segment.seq;
  syn_ack(40);
}

// §4.2.2, step 1 b: "any data up to the cached server MSS"; RFC 6691: the options' room deducted.
TEST_P(FastOpenClient, DataBeyondTheCachedMss_WaitsForTheHandshake) {
  params.tcp.nagle = false;
  for (const uint16_t mss : {uint16_t{700}, uint16_t{9000}}) {
    learn_cookie(mss);
    Walk& w = *walk;
    const Captured syn = connect(5000);
    const uint32_t options = wire::tcp_header_length(syn.segment.options, true) - 20;
    const uint32_t most = std::min<uint32_t>(mss, full_mss()) - options;
    EXPECT_EQ(syn.segment.payload_length, most) << "cached " << mss;
    syn_ack(most);
    std::vector<Captured> rest = peer().take();
    ASSERT_FALSE(rest.empty());
    EXPECT_EQ(rest.front().segment.seq, w.v.iss + 1 + most);
    EXPECT_EQ(text_in(rest), 5000 - most) << list(rest);
    end();
    EXPECT_EQ(clean_up(w), "");
    walk.reset();
  }
}

// §4.1.3: the MSS of the last SYN-ACK, with a cookie or without one.
TEST_P(FastOpenClient, MssOfALaterSynAck_IsRemembered) {
  learn_cookie(1400);
  connect(10);
  syn_ack(10, std::nullopt, 600);
  end();
  EXPECT_LT(connect(5000).segment.payload_length, 600U);
  syn_ack(0);
}

// "Note there is no latency penalty if the server does not acknowledge the data": it goes with the first ACK.
TEST_P(FastOpenClient, DataNotAcknowledged_GoesWithTheFirstAck) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  wire::FastOpenCookie fresh = any_cookie();
  fresh.octets[0] = 1;
  syn_ack(0, fresh);
  const Captured ack = peer().take_one();
  EXPECT_EQ(ack.segment.seq, w.v.iss + 1);
  EXPECT_EQ(ack.segment.ack, w.v.irs + 1);
  EXPECT_EQ(ack.payload, data);
  EXPECT_EQ(w.app.connection->fast_open(), FastOpenResult::DataRefused);
  EXPECT_EQ(counters().tcp_fast_open_fallbacks.value(), 1U);
  w.v.snd_nxt = w.v.snd_una = w.v.iss + 101;
  peer().send(w.next(wire::kAck));
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U);
  EXPECT_TRUE(peer().take().empty());
  EXPECT_EQ(counters().tcp_bytes_sent.value(), 100U);
  end();
  EXPECT_EQ(connect(100).segment.options.fast_open, fresh) << "a new cookie came: that was the trouble";
  syn_ack(100);
}

// It was the SYN that cut it: Nagle's algorithm has nothing to wait for.
// The server takes smaller segments than the cache said, and one at a time: of the text that the SYN had, no
// more has been in flight.
TEST_P(FastOpenClient, DataNotAcknowledged_GoesInSmallerSegmentsAndAgainWhenTheyAreLost) {
  learn_cookie();
  const Captured syn = connect(3 * 536);
  ASSERT_GT(syn.segment.payload_length, 536U);
  peer().advance(50ms);
  peer().send({.flags = wire::kSyn | wire::kAck,
               .seq = walk->v.irs,
               .ack = walk->v.iss + 1,
               .window = 536,
               .options = mss_option(536)});
  walk->v.rcv_nxt = walk->v.irs + 1;
  for (uint32_t offset = 0; offset < 3 * 536; offset += 536) {
    ASSERT_EQ(text_in(peer().take()), 536U) << offset;
    std::vector<Captured> again;
    for (int second = 0; second < 8 && again.empty(); ++second) {
      peer().advance(1s);
      again = peer().take();
    }
    ASSERT_FALSE(again.empty()) << offset;
    EXPECT_EQ(again.front().segment.seq, walk->v.iss + 1 + offset);
    EXPECT_EQ(again.front().segment.payload_length, 536U);
    peer().send(
        {.flags = wire::kAck, .seq = walk->v.rcv_nxt, .ack = walk->v.iss + 1 + offset + 536, .window = 536});
  }
  EXPECT_EQ(text_in(peer().take()), 0U);
}

TEST_P(FastOpenClient, DataNotAcknowledged_IsNoSmallSegmentToWaitFor) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  syn_ack(0);
  EXPECT_EQ(peer().take_one().segment.payload_length, 100U);
  w.app_send(50);
  EXPECT_EQ(text_in(seen()), 50U);
  w.app_send(50);
  EXPECT_EQ(text_in(seen()), 0U) << "that was a small write of the application's";
}

TEST_P(FastOpenClient, DataAcknowledgedInPart_TheRestGoesWithTheFirstAck) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  syn_ack(30);
  const Captured ack = peer().take_one();
  EXPECT_EQ(ack.segment.seq, w.v.iss + 31);
  EXPECT_EQ(ack.payload, std::vector<uint8_t>(data.begin() + 30, data.end()));
  EXPECT_EQ(w.app.connection->fast_open(), FastOpenResult::DataAcknowledged);
}

// §4.1.3.1: the server did not take the data and sent no cookie: no Fast Open there for a while, on that
// port.
TEST_P(FastOpenClient, DataRefusedWithoutANewCookie_IsANegativeResponse) {
  learn_cookie();
  connect(100);
  syn_ack(0);
  end();
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
  end();
  const Captured other_port = connect(100, true, 7001);
  EXPECT_EQ(other_port.segment.payload_length, 100U) << "another service may well take it";
  end();
  peer().advance(tcp::FastOpenCache::kFirstWait);
  EXPECT_EQ(connect(100).segment.payload_length, 100U) << "at least temporarily, says the RFC";
  syn_ack(100);
}

// §4.2.1: "record the set of servers that failed to respond to cookie requests".
TEST_P(FastOpenClient, CookieNotGranted_IsNotAskedForAgainForAWhile) {
  begin();
  connect();
  syn_ack(0);
  end();
  EXPECT_FALSE(connect().segment.options.fast_open);
  syn_ack(0);
  end();
  peer().advance(tcp::FastOpenCache::kFirstWait);
  EXPECT_TRUE(connect().segment.options.fast_open);
  syn_ack(0);
  end();
  peer().advance(tcp::FastOpenCache::kFirstWait);
  EXPECT_FALSE(connect().segment.options.fast_open) << "twice as long the second time";
  syn_ack(0);
}

// §4.2.2: "when the SYN timer fires, the client SHOULD retransmit a SYN packet without data and Fast Open
// options", and a path that loses those is a negative response.
TEST_P(FastOpenClient, SynWithDataLost_GoesAgainBareAndIsRemembered) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  peer().advance(1100ms);
  const Captured again = peer().take_one();
  EXPECT_EQ(again.segment.flags, wire::kSyn);
  EXPECT_EQ(again.segment.seq, w.v.iss);
  EXPECT_FALSE(again.segment.options.fast_open);
  EXPECT_EQ(again.segment.payload_length, 0U);
  syn_ack(0);
  const Captured ack = peer().take_one();
  EXPECT_EQ(ack.segment.seq, w.v.iss + 1);
  EXPECT_EQ(ack.payload, data) << "and the data at once";
  EXPECT_EQ(w.app.connection->fast_open(), FastOpenResult::SynRetransmitted);
  EXPECT_EQ(counters().tcp_fast_open_syns_lost.value(), 1U);
  end();
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
}

// The SYN-ACK alone was lost: the first SYN got there, and nothing speaks against Fast Open.
TEST_P(FastOpenClient, SynAckLost_TheDataIsAcknowledgedAfterTheBareSyn) {
  learn_cookie();
  connect(100);
  peer().advance(1100ms);
  peer().take();
  syn_ack(100);
  EXPECT_EQ(peer().take_one().segment.payload_length, 0U);
  EXPECT_EQ(walk->app.connection->unacknowledged_bytes(), 0U);
  EXPECT_EQ(walk->app.connection->fast_open(), FastOpenResult::DataAcknowledged);
  end();
  EXPECT_EQ(connect(100).segment.payload_length, 100U);
  syn_ack(100);
}

TEST_P(FastOpenClient, CookieRequestLost_GoesAgainWithoutTheOption) {
  begin();
  connect();
  peer().advance(1100ms);
  EXPECT_FALSE(peer().take_one().segment.options.fast_open);
  syn_ack(0);
  end();
  EXPECT_FALSE(connect().segment.options.fast_open);
  syn_ack(0);
}

// "(most importantly) no response (SYN-ACK) from the server at all" (§4.1.3.1).
TEST_P(FastOpenClient, NobodyAnswers_TimesOutAndIsRemembered) {
  learn_cookie();
  connect(100);
  peer().advance(20s);
  const std::vector<Captured> sent = peer().take();
  EXPECT_EQ(sent.size(), params.tcp.syn_retries);
  for (const Captured& one : sent) EXPECT_FALSE(one.segment.options.fast_open);
  EXPECT_EQ(walk->app.take_events(), "closed(timed out)");
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
}

TEST_P(FastOpenClient, Refused_IsToldAndRemembered) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  peer().send({.flags = wire::kRst | wire::kAck, .seq = Seq(0), .ack = w.v.iss + 101});
  EXPECT_EQ(w.app.take_events(), "closed(refused)");
  EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > CLOSED");
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
}

// ICMP errors about such a SYN are negative responses; a hard one ends the open as ever (§4.1.3.1).
TEST_P(FastOpenClient, IcmpErrors_AreNegativeResponses) {
  const bool v4 = GetParam() == Family::V4;
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  peer().send_error(v4 ? 3 : 1, v4 ? 1 : 3, w.v.iss);  // host or address unreachable: soft
  EXPECT_EQ(peer().state(), State::SynSent);
  syn_ack(100);
  end();
  EXPECT_EQ(connect(100).segment.payload_length, 100U) << "the data got there all the same: forgiven";
  peer().send_error(3 - (v4 ? 0 : 2), v4 ? 3 : 4, w.v.iss);  // port unreachable: hard
  EXPECT_EQ(w.app.take_events(), "closed(refused)");
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
}

// A SYN too big for the path goes again at once, without data.
TEST_P(FastOpenClient, PacketTooBig_TheSynGoesAgainWithoutData) {
  learn_cookie();
  Walk& w = *walk;
  connect(1000);
  const auto too_big = [&] {
    peer().send_error(GetParam() == Family::V4 ? 3 : 2, GetParam() == Family::V4 ? 4 : 0, w.v.iss, 1280);
  };
  too_big();
  const Captured again = peer().take_one();
  EXPECT_EQ(again.segment.flags, wire::kSyn);
  EXPECT_EQ(again.segment.payload_length, 0U);
  too_big();
  EXPECT_TRUE(peer().take().empty()) << "once";
  syn_ack(0);
  EXPECT_EQ(text_in(peer().take()), 1000U);
}

// A path that lets the SYN pass and then nothing more.
TEST_P(FastOpenClient, NothingComesAfterTheHandshake_IsRemembered) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  syn_ack(100);
  w.app_send(200);
  for (int i = 0; i < 600 && w.app.connection != nullptr; ++i) peer().advance(1s);
  EXPECT_EQ(w.app.take_events(), "established closed(timed out)");
  peer().take();
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
}

// An acknowledgement beyond the SYN's data is of nothing we have sent (RFC 9293 §3.10.7.3, first).
TEST_P(FastOpenClient, AckBeyondTheData_IsAnsweredByReset) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  peer().send(
      {.flags = wire::kSyn | wire::kAck, .seq = w.v.irs, .ack = w.v.iss + 102, .options = mss_option()});
  const std::vector<Captured> sent = peer().take();
  EXPECT_TRUE(sent.at(0).segment.flags.rst()) << list(sent);
  EXPECT_EQ(peer().state(), State::SynSent);
  syn_ack(100);
}

// Figure 8 of RFC 9293 with data in both SYNs: neither is taken, neither is lost.
TEST_P(FastOpenClient, SimultaneousOpen_TheDataGoesAfterTheHandshake) {
  learn_cookie();
  Walk& w = *walk;
  connect(100);
  PeerSegment crossing{.flags = wire::kSyn, .seq = w.v.irs, .length = 30, .options = mss_option()};
  crossing.options.fast_open = any_cookie();
  peer().send(crossing);
  const Captured answer = peer().take_one();
  EXPECT_EQ(answer.segment.flags, wire::kSyn | wire::kAck);
  EXPECT_EQ(answer.segment.ack, w.v.irs + 1);
  EXPECT_EQ(answer.segment.payload_length, 0U);
  EXPECT_EQ(peer().state(), State::SynReceived);
  w.v.rcv_nxt = w.v.irs + 1;
  w.v.snd_nxt = w.v.iss + 1;
  peer().send(w.next(wire::kAck, 30));
  EXPECT_EQ(w.app.take_events(), "established readable");
  EXPECT_EQ(w.app.received, stream_of(w.v.irs + 1, 30));
  const std::vector<Captured> sent = peer().take();
  EXPECT_EQ(text_in(sent), 100U) << list(sent);
  EXPECT_EQ(sent.front().segment.seq, w.v.iss + 1);
  EXPECT_EQ(text_of(w.app.path()), "CLOSED > SYN-SENT > SYN-RECEIVED > ESTABLISHED");
}

// A cookie that nobody asked for, or in the experimental form that we never send, is not kept.
TEST_P(FastOpenClient, CookieNotAskedFor_IsNotKept) {
  begin();
  connect(0, false);
  syn_ack(0, any_cookie());
  end();
  EXPECT_TRUE(connect().segment.options.fast_open->is_request());
  wire::FastOpenCookie experimental = any_cookie();
  experimental.experimental = true;
  syn_ack(0, experimental);
  end();
  EXPECT_FALSE(connect().segment.options.fast_open) << "no cookie came in the form that was asked for";
  syn_ack(0);
}

TEST_P(FastOpenClient, SwitchedOff_SendsNoOption) {
  params.tcp.fast_open = false;
  begin();
  EXPECT_FALSE(connect(100).segment.options.fast_open);
  syn_ack(0);
  EXPECT_EQ(text_in(peer().take()), 100U);
}

// The longest cookie beside every other option: 40 octets, and one SYN in which nothing is cut off.
TEST_P(FastOpenClient, LongestCookie_FitsBesideTheOtherOptions) {
  params.tcp.receive_buffer = 1U << 20;
  begin();
  connect();
  syn_ack(0, any_cookie(16));
  end();
  const Captured syn = connect(5000);
  EXPECT_EQ(syn.segment.options.fast_open, any_cookie(16));
  EXPECT_TRUE(syn.segment.options.mss);
  EXPECT_TRUE(syn.segment.options.timestamps);
  EXPECT_TRUE(syn.segment.options.window_scale);
  EXPECT_LE(wire::tcp_header_length(syn.segment.options, true), 60U);
  EXPECT_EQ(syn.segment.payload_length, full_mss() - 40U);
  syn_ack(syn.segment.payload_length);
}

MILLRACE_BOTH_FAMILIES(FastOpenClient);

}  // namespace
}  // namespace millrace::conformance
