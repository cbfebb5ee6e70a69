// Paced departures as the peer sees them (RFC 9002 §7.7 for the rate): what leaves at once, when the rest follows,
// and what pays the pace no heed.
#include "scene.h"

namespace millrace::conformance {
namespace {

constexpr uint32_t kMss = 1000;
constexpr Micros kRtt = kRoundTrip;

class Pacing : public Scene {
 protected:
  Pacing() {
    params.tcp.pacing = true;
    params.tcp.timestamps = false;
    params.tcp.send_buffer = 4U << 20;
  }
  // ESTABLISHED after a round trip of 10 ms, with SACK, `octets` queued.
  Walk& sending(uint32_t octets) {
    Walk& w = begin(Opening::Active);
    wire::TcpOptions offer = mss_option(kMss);
    offer.sack_permitted = true;
    w.open(offer);
    first = w.v.snd_nxt;
    if (octets != 0) w.app_send(octets);
    return w;
  }
  // Octets of text that leave in `time`, and the most of them at one instant.
  uint32_t leave_in(Micros time, uint32_t* most = nullptr) {
    uint32_t octets = text_in(seen());
    if (most != nullptr) *most = octets;
    for (Micros passed{}; passed < time; passed += 100us) {
      peer().advance(100us);
      const uint32_t burst = text_in(seen());
      if (most != nullptr) *most = std::max(*most, burst);
      octets += burst;
    }
    return octets;
  }
  uint32_t ack(uint32_t octets, uint32_t sacked_from = 0, uint32_t sacked_to = 0) {
    PeerSegment segment = walk->next(wire::kAck);
    segment.ack = first + octets;
    if (sacked_to != 0) segment.options.sack[segment.options.sack_count++] = {first + sacked_from, first + sacked_to};
    peer().send(segment);
    return text_in(seen());
  }
  const Counters& counters() { return peer().shard().counters(); }
  Seq first;
};

// Two windows a round trip in slow start: two segments each millisecond.
TEST_P(Pacing, InitialWindow_LeavesTwoSegmentsAtATimeOverHalfARoundTrip) {
  sending(40'000);
  uint32_t most = 0;
  EXPECT_EQ(leave_in(2200us, &most), 6 * kMss);
  EXPECT_EQ(most, 2 * kMss);
  EXPECT_EQ(leave_in(2800us), 4 * kMss);
  EXPECT_EQ(leave_in(4ms), 0U) << "the window is full";
}

TEST_P(Pacing, WithoutPacing_ItLeavesAtOnce) {
  params.tcp.pacing = false;
  sending(40'000);
  EXPECT_EQ(text_in(seen()), 10 * kMss);
}

// What an acknowledgement lets go waits for its time too.
TEST_P(Pacing, AnAcknowledgementOfTheWholeWindow_LetsNoBurstGo) {
  sending(100'000);
  ASSERT_EQ(leave_in(kRtt), 10 * kMss);
  EXPECT_LE(ack(10 * kMss), 4 * kMss);
  uint32_t most = 0;
  leave_in(kRtt, &most);
  EXPECT_LE(most, 2 * kMss);
}

TEST_P(Pacing, AcknowledgementsOfOurs_DoNotWait) {
  Walk& w = sending(40'000);
  seen();
  PeerSegment segment = w.next(wire::kAck, 100);
  peer().send(segment);
  peer().send(w.next(wire::kAck, 100));
  bool answered = false;
  for (const Captured& one : seen()) answered |= one.segment.payload_length == 0 && one.segment.flags.ack();
  EXPECT_TRUE(answered);
}

// A rate so low that nothing is in flight while the next segment waits: there is no window to ask for.
TEST_P(Pacing, ALimitOfTheApplications_IsKeptWithoutProbes) {
  params.tcp.pacing = false;
  Walk& w = sending(0);
  ConnectionParams settings = w.app.connection->settings();
  settings.max_pacing_rate = 500;
  ASSERT_TRUE(w.app.connection->set(settings));
  w.app_send(10'000);
  uint32_t sent = text_in(seen());
  EXPECT_EQ(sent, 2 * kMss);
  for (int i = 0; i < 4; ++i) {
    ack(sent);
    EXPECT_EQ(leave_in(3800ms), 0U);
    uint32_t more = 0;
    for (int step = 0; step < 400 && more == 0; ++step) more = leave_in(1ms);
    sent += more;
  }
  EXPECT_EQ(sent, 10 * kMss);
  EXPECT_EQ(counters().tcp_window_probes_sent.value(), 0U);
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
}

TEST_P(Pacing, ALimitThatIsTakenBack_HoldsNobodyUp) {
  params.tcp.pacing = false;
  Walk& w = sending(0);
  ConnectionParams settings = w.app.connection->settings();
  settings.max_pacing_rate = 500;
  ASSERT_TRUE(w.app.connection->set(settings));
  w.app_send(10'000);
  ASSERT_EQ(text_in(seen()), 2 * kMss);
  settings.max_pacing_rate.reset();
  ASSERT_TRUE(w.app.connection->set(settings));
  EXPECT_EQ(text_in(seen()), 8 * kMss);
}

// The first retransmission is owed at once; the time-out's too.
TEST_P(Pacing, TheFirstRetransmission_DoesNotWait) {
  sending(100'000);
  ASSERT_EQ(leave_in(kRtt), 10 * kMss);
  ack(kMss);
  ack(kMss, 2 * kMss, 3 * kMss);
  ack(kMss, 2 * kMss, 4 * kMss);
  ack(kMss, 2 * kMss, 5 * kMss);
  EXPECT_EQ(counters().tcp_recovery_retransmits.value(), 1U);
  peer().advance(3s);
  seen();
  EXPECT_GE(counters().tcp_timeout_retransmits.value(), 1U);
}

// No timer is left, whatever is queued (TearDown looks).
TEST_P(Pacing, Abort_WhileDataWaits_LeavesNothing) {
  Walk& w = sending(40'000);
  seen();
  w.app.connection->abort();
  seen();
}

MILLRACE_BOTH_FAMILIES(Pacing);

}  // namespace
}  // namespace millrace::conformance
