// How long a peer may leave things unanswered: the user timeout (RFC 9293 §3.9.1, RFC 5482), R1 and R2
// (§3.8.3). Written from the RFCs. Neighbours: idle_scene.h, keepalive_test.cpp.
#include "idle_scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

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

}  // namespace
}  // namespace millrace::conformance
