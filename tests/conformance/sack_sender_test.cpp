// Loss recovery of a sender whose peer has SACK: what is sent again, and when. RFC 2018, 2883, 6675, 8985
// (RACK and the tail loss probe), 9937, 5682, 4015. Without SACK: RFC 3042 here, the rest in text_test.cpp.
#include <algorithm>
#include <ctime>

#include "scene.h"
#include "tcp/transfer/flight.h"

namespace millrace::conformance {
namespace {

constexpr uint32_t kMss = 1000;
using Block = std::pair<uint32_t, uint32_t>;  // in segments of kMss from SND.UNA at the beginning

class SackSender : public Scene {
 protected:
  SackSender() {
    params.tcp.timestamps = false;
    params.memory.buffer_bytes = 16U << 20;
  }
  // ESTABLISHED with SACK, and `segments` of ours in flight for a round trip.
  Walk& sending(uint32_t segments, bool stamps = false) {
    params.tcp.timestamps = stamps;
    Walk& w = begin();
    wire::TcpOptions offer = mss_option(static_cast<uint16_t>(kMss + (stamps ? 12 : 0)));
    offer.sack_permitted = true;
    if (stamps) offer.timestamps = wire::Timestamps{.value = 1, .echo_reply = 0};
    w.open(offer);
    first = w.v.snd_nxt;
    w.app_send(segments * kMss);
    sent = seen();
    peer().advance(kRoundTrip);
    return w;
  }
  PeerSegment ack(uint32_t segments, std::vector<Block> blocks = {}) {
    PeerSegment segment = walk->next(wire::kAck);
    segment.ack = first + segments * kMss;
    for (const Block& block : blocks)
      segment.options.sack[segment.options.sack_count++] = {first + block.first * kMss,
                                                            first + block.second * kMss};
    return segment;
  }
  // What leaves for it, as numbers of segments.
  std::vector<uint32_t> answer(const PeerSegment& segment) {
    peer().send(segment);
    return numbers(peer().take());
  }
  std::vector<uint32_t> answer(uint32_t segments, std::vector<Block> blocks = {}) {
    return answer(ack(segments, std::move(blocks)));
  }
  std::vector<uint32_t> numbers(const std::vector<Captured>& segments) const {
    std::vector<uint32_t> out;
    for (const Captured& one : segments)
      if (one.segment.payload_length != 0) out.push_back((one.segment.seq - first) / kMss);
    return out;
  }
  std::vector<uint32_t> after(Micros time) {
    peer().advance(time);
    return numbers(peer().take());
  }
  const Counters& counters() { return peer().shard().counters(); }
  tcp::Tcb& tcb() { return walk->app.connection->tcb(); }

  using Numbers = std::vector<uint32_t>;
  Seq first;
  std::vector<Captured> sent;
};

// RFC 6675 §4 IsLost and RFC 8985 §6.2 step 4: DupThresh, as long as no reordering was seen.
TEST_P(SackSender, ThirdSegmentSacked_TheHoleIsSentAgainAtOnce) {
  sending(10);
  EXPECT_EQ(answer(0, {{1, 2}}), Numbers{});
  EXPECT_EQ(answer(0, {{1, 3}}), Numbers{});
  EXPECT_EQ(answer(0, {{1, 4}}), Numbers{0});
  EXPECT_EQ(counters().tcp_fast_retransmits.value(), 1U);
  EXPECT_EQ(answer(10), Numbers{});
  EXPECT_EQ(counters().tcp_retransmitted_segments.value(), 1U) << "nothing else was missing";
}

// RFC 6298 §5: the timer is the first octet's, which has left only now.
TEST_P(SackSender, FastRetransmit_StartsTheTimerAnew) {
  sending(10);
  EXPECT_LT(tcb().hot.rtx_deadline, peer().now() + Micros(tcb().hot.rto_us));
  EXPECT_EQ(answer(0, {{1, 4}}), Numbers{0});
  EXPECT_EQ(tcb().hot.rtx_deadline, peer().now() + Micros(tcb().hot.rto_us));
}

// Deviation growth-by-arrival. RFC 5681 §3.1 alone would wait for SND.UNA.
TEST_P(SackSender, PathThatReorders_WindowGrowsByWhatArrivesInAnyOrder) {
  Walk& w = sending(10);
  w.app_send(30 * kMss);
  seen();
  const Bytes before = tcb().hot.cwnd;
  answer(0, {{2, 3}});
  EXPECT_EQ(tcb().hot.cwnd, before) << "it may tell of a loss";
  answer(0, {{1, 3}});
  EXPECT_EQ(tcb().hot.cwnd, before + kMss) << "a later one had arrived earlier";
  answer(3);
  EXPECT_EQ(tcb().hot.cwnd, before + 2 * kMss) << "what had been SACKed has counted";
  EXPECT_EQ(counters().tcp_fast_retransmits.value(), 0U);
}

// RFC 8985 §6.2 step 5: fewer than DupThresh, but a quarter of the round trip has passed.
TEST_P(SackSender, OneSegmentSacked_TheHoleIsSentAgainAfterTheReorderingWindow) {
  sending(10);
  EXPECT_EQ(answer(0, {{1, 2}}), Numbers{});
  EXPECT_EQ(after(2ms), Numbers{});
  EXPECT_EQ(after(3ms), Numbers{0});
  EXPECT_EQ(counters().tcp_reordering_timeouts.value(), 1U);
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
}

TEST_P(SackSender, SeveralHoles_AreAllSentAgainWithinTheRoundTrip) {
  sending(10);
  Numbers again = answer(0, {{1, 2}, {3, 4}, {5, 6}});
  for (uint32_t right = 7; right <= 10; ++right)
    for (const uint32_t one : answer(0, {{5, right}, {3, 4}, {1, 2}})) again.push_back(one);
  EXPECT_EQ(again, (Numbers{0, 2, 4})) << "each once, the lowest first";
}

// RFC 9937: the flight is brought down, not stopped.
TEST_P(SackSender, InRecovery_NewSegmentsFollowAtTheReducedRate) {
  Walk& w = sending(10);
  w.app_send(20 * kMss);
  seen();
  Numbers out;
  for (uint32_t right = 2; right <= 10; ++right)
    for (const uint32_t one : answer(0, {{1, right}})) out.push_back(one);
  // Two by limited transmit, the retransmission, then about one segment for two that have arrived.
  ASSERT_FALSE(out.empty());
  EXPECT_GE(out.size(), 5U);
  EXPECT_LE(out.size(), 8U);
  EXPECT_EQ(std::count(out.begin(), out.end(), 0U), 1);
}

// RFC 8985 §6: a retransmission that is lost too is found by what was sent after it.
TEST_P(SackSender, RetransmissionLost_IsSentAgainWithoutATimeOut) {
  Walk& w = sending(10);
  EXPECT_EQ(answer(0, {{1, 4}}), Numbers{0});
  w.app_send(5 * kMss);
  Numbers fresh = numbers(seen());
  for (uint32_t right = 5; right <= 10; ++right)
    for (const uint32_t one : answer(0, {{1, right}})) fresh.push_back(one);
  ASSERT_FALSE(fresh.empty()) << "something new was sent after it";
  peer().advance(kRoundTrip);
  peer().take();
  const uint32_t right = fresh.back() + 1;
  Numbers again = answer(0, {{1, right}});
  for (const uint32_t one : after(10ms)) again.push_back(one);
  EXPECT_EQ(std::count(again.begin(), again.end(), 0U), 1) << "once more";
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
}

// RFC 8985 §7.2 and §7.3.
TEST_P(SackSender, TailLost_AProbeAfterTwoRoundTripsBringsItBack) {
  sending(10);
  EXPECT_EQ(answer(8), Numbers{});
  EXPECT_EQ(after(19ms), Numbers{});
  EXPECT_EQ(after(4ms), Numbers{9}) << "the last segment again";
  EXPECT_EQ(counters().tcp_tail_loss_probes_sent.value(), 1U);
  peer().advance(kRoundTrip);
  EXPECT_EQ(answer(8, {{9, 10}}), Numbers{8}) << "its window has long passed";
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
  EXPECT_EQ(answer(10), Numbers{});
}

TEST_P(SackSender, TailProbe_IsNewDataWhereThereIsSome) {
  Walk& w = sending(10);
  w.app_send(3 * kMss);
  EXPECT_EQ(numbers(seen()), Numbers{}) << "the congestion window is full";
  EXPECT_EQ(after(15ms), Numbers{10});
  EXPECT_EQ(counters().tcp_retransmitted_segments.value(), 0U);
}

TEST_P(SackSender, TailProbe_IsNotRepeatedBeforeTheTimeOut) {
  sending(4);
  EXPECT_EQ(after(15ms), Numbers{3});
  EXPECT_EQ(after(150ms), Numbers{});
  EXPECT_EQ(after(100ms), Numbers{0});
  EXPECT_EQ(counters().tcp_rto_fired.value(), 1U);
}

// RFC 8985 §7.3: "the last segment": a FIN that left by itself comes again by itself.
TEST_P(SackSender, TailProbeOfAFin_RepeatsTheFinAlone) {
  Walk& w = sending(4);
  w.app.connection->shutdown();
  peer().run();
  EXPECT_TRUE(peer().take_one().segment.flags.fin());
  peer().advance(25ms);
  const Captured again = peer().take_one();
  EXPECT_TRUE(again.segment.flags.fin());
  EXPECT_EQ(again.segment.seq, first + 4 * kMss);
  EXPECT_EQ(again.segment.payload_length, 0U);
  EXPECT_EQ(counters().tcp_tail_loss_probes_sent.value(), 1U);
}

// RFC 8985 §7.4.2: the probe has repaired a loss, which is congestion.
// RFC 6298 §3 (Karn): what answers a segment that left twice tells no round trip.
TEST_P(SackSender, TailProbe_TellsNoRoundTrip) {
  Walk& w = sending(3);
  answer(3);
  w.app_send(2 * kMss);
  seen();
  uint64_t waited = 0;
  while (counters().tcp_tail_loss_probes_sent.value() == 0 && ++waited < 1000) peer().advance(1ms);
  peer().take();
  const Micros srtt = tcb().cold.rtt.srtt();
  peer().advance(1ms);
  answer(5);
  EXPECT_EQ(w.app.connection->unacknowledged_bytes(), 0U);
  EXPECT_GE(tcb().cold.rtt.srtt(), srtt) << "the first copy was answered, long after it had left";
}

TEST_P(SackSender, TailProbeThatRepairsALoss_ReducesTheWindow) {
  Walk& w = sending(10);
  EXPECT_EQ(answer(9), Numbers{});
  const Bytes before = tcb().hot.cwnd;
  EXPECT_EQ(after(params.tcp.rto_min + 5ms), Numbers{9});
  EXPECT_EQ(answer(10), Numbers{});
  EXPECT_EQ(tcb().hot.cwnd >= before, true) << "not known yet: the answer may be to the original";
  w.app_send(kMss);
  seen();
  EXPECT_EQ(answer(11), Numbers{});
  EXPECT_LT(tcb().hot.cwnd, before);
  EXPECT_EQ(counters().tcp_tail_losses_repaired.value(), 1U);
}

TEST_P(SackSender, TailProbeThatWasNotNeeded_ShowsByItsDuplicate) {
  sending(10);
  EXPECT_EQ(answer(9), Numbers{});
  const Bytes before = tcb().hot.cwnd;
  EXPECT_EQ(after(params.tcp.rto_min + 5ms), Numbers{9});
  EXPECT_EQ(answer(10), Numbers{});
  EXPECT_EQ(answer(10, {{9, 10}}), Numbers{}) << "D-SACK";
  EXPECT_GE(tcb().hot.cwnd, before);
  EXPECT_EQ(tcb().hot.flight, nullptr) << "nothing is held any more";
}

// ---- what was sent in one instant needs no side block (transfer/flight.h)

TEST_P(SackSender, Request_TakesNoSideBlock) {
  sending(1);
  EXPECT_EQ(tcb().hot.flight, nullptr);
  EXPECT_EQ(answer(1), Numbers{});
  EXPECT_EQ(tcb().hot.flight, nullptr);
  EXPECT_EQ(tcb().hot.rtx_deadline, kNever);
}

// RFC 8985 §7.2: the probe timeout leaves a lone segment's acknowledgement the time to be delayed.
TEST_P(SackSender, RequestLost_IsProbedForBeforeTheTimeOut) {
  sending(1);
  ASSERT_EQ(tcb().hot.flight, nullptr);
  Numbers again;
  for (int i = 0; again.empty() && i < 50; ++i) again = after(10ms);
  EXPECT_EQ(again, Numbers{0});
  EXPECT_EQ(counters().tcp_tail_loss_probes_sent.value(), 1U);
  EXPECT_EQ(counters().tcp_rto_fired.value(), 0U);
  // Nor does Karn's algorithm (RFC 6298 §3) lose sight of it: the answer is ambiguous.
  const Micros before = tcb().cold.rtt.srtt();
  EXPECT_EQ(answer(1), Numbers{});
  EXPECT_EQ(tcb().cold.rtt.srtt(), before);
}

TEST_P(SackSender, SentInTwoInstants_EachSegmentKeepsItsOwn) {
  Walk& w = sending(1);
  w.app_send(kMss);
  EXPECT_EQ(numbers(seen()), Numbers{1});
  ASSERT_NE(tcb().hot.flight, nullptr);
  const recovery::Scoreboard& board = tcb().hot.flight->board;
  ASSERT_EQ(board.size(), 2U);
  EXPECT_EQ(board.run(0).begin, first);
  EXPECT_EQ(board.run(1).sent_at - board.run(0).sent_at, kRoundTrip);
}

TEST_P(SackSender, PartOfABurstAcknowledged_TheRestIsKnown) {
  sending(4);
  ASSERT_EQ(tcb().hot.flight, nullptr);
  EXPECT_EQ(answer(2), Numbers{});
  ASSERT_NE(tcb().hot.flight, nullptr);
  EXPECT_EQ(tcb().hot.flight->board.begin(), first + 2 * kMss);
  EXPECT_EQ(tcb().hot.flight->board.in_flight(), 2 * kMss);
  EXPECT_EQ(answer(4), Numbers{});
  EXPECT_EQ(tcb().hot.flight, nullptr);
}

// RFC 6298 §5.4: without SACK there is no probe; the time-out finds what is outstanding.
TEST_P(SackSender, RequestLostWithoutSack_IsSentAgainByTheTimeOut) {
  params.tcp.timestamps = false;
  Walk& w = begin();
  w.open(mss_option(kMss));
  first = w.v.snd_nxt;
  w.app_send(kMss);
  seen();
  ASSERT_EQ(tcb().hot.flight, nullptr);
  Numbers again;
  for (int i = 0; again.empty() && i < 200; ++i) again = after(10ms);
  EXPECT_EQ(again, Numbers{0});
  EXPECT_EQ(counters().tcp_rto_fired.value(), 1U);
  EXPECT_EQ(tcb().hot.cwnd, tcb().hot.mss) << "RFC 5681 §3.1: the loss window";
}

// RFC 8985 §6.2 step 4: once reordering was seen, three SACKed segments are no proof.
TEST_P(SackSender, ReorderingSeen_DupThreshNoLongerCounts) {
  Walk& w = sending(10);
  answer(0, {{2, 3}});
  EXPECT_EQ(answer(3), Numbers{}) << "it came late, not never";
  EXPECT_TRUE(tcb().cold.reordering.seen);
  w.app_send(20 * kMss);
  seen();
  answer(10);
  seen();
  peer().advance(kRoundTrip);
  const Numbers at_once = answer(10, {{11, 15}});
  EXPECT_EQ(std::count(at_once.begin(), at_once.end(), 10U), 0);
  const Numbers later = after(5ms);
  EXPECT_EQ(std::count(later.begin(), later.end(), 10U), 1);
}

// RFC 3708, RFC 2883: every octet that was sent again came twice.
TEST_P(SackSender, RecoveryReportedAsDuplicate_IsUndone) {
  Walk& w = sending(10);
  const Bytes before = tcb().hot.cwnd;
  w.app_send(10 * kMss);
  seen();
  EXPECT_EQ(answer(0, {{1, 4}}).back(), 0U);
  answer(10);
  EXPECT_LT(tcb().hot.cwnd, before);
  answer(10, {{0, 1}});
  EXPECT_GE(tcb().hot.cwnd, before);
  EXPECT_EQ(counters().tcp_spurious_recoveries.value(), 1U);
  EXPECT_EQ(counters().tcp_dsacks_received.value(), 1U);
}

// RFC 3522: the acknowledgement echoes a segment older than the retransmission.
TEST_P(SackSender, EchoOlderThanTheRetransmission_UndoesAtOnce) {
  Walk& w = sending(10, true);
  const uint32_t original = sent[0].segment.options.timestamps->value;
  const auto stamped = [&](PeerSegment segment, uint32_t echo) {
    segment.options.timestamps = wire::Timestamps{.value = 2, .echo_reply = echo};
    return segment;
  };
  w.app_send(10 * kMss);
  seen();
  const Bytes before = tcb().hot.cwnd;
  EXPECT_EQ(answer(stamped(ack(0, {{1, 4}}), original)).back(), 0U);
  answer(stamped(ack(4), original));
  EXPECT_EQ(counters().tcp_spurious_recoveries.value(), 1U);
  EXPECT_GE(tcb().hot.cwnd, before);
}

// RFC 5682 §3.1: after a time-out two acknowledgements for what was sent once say that nothing was lost.
TEST_P(SackSender, TimeoutAndThenOriginalsArrive_IsUndone) {
  Walk& w = sending(8);
  const Bytes before = tcb().hot.cwnd;
  after(15ms);  // the probe
  EXPECT_EQ(after(params.tcp.rto_min + 20ms), Numbers{0});
  w.app_send(10 * kMss);
  EXPECT_EQ(numbers(seen()), Numbers{});
  EXPECT_EQ(answer(1), (Numbers{8, 9})) << "two new segments in place of retransmissions";
  const Numbers more = answer(2);
  EXPECT_EQ(std::count_if(more.begin(), more.end(), [](uint32_t one) { return one < 8; }), 0);
  EXPECT_EQ(counters().tcp_spurious_timeouts.value(), 1U);
  EXPECT_GE(tcb().hot.cwnd, before);
}

TEST_P(SackSender, TimeoutAndThenADuplicate_GoesOnToRetransmit) {
  Walk& w = sending(8);
  after(15ms);
  EXPECT_EQ(after(params.tcp.rto_min + 20ms), Numbers{0});
  w.app_send(10 * kMss);
  seen();
  EXPECT_EQ(answer(1), (Numbers{8, 9}));
  EXPECT_EQ(answer(1, {{8, 9}}), Numbers{1});
  EXPECT_EQ(counters().tcp_spurious_timeouts.value(), 0U);
}

// RFC 2018 §8: what was SACKed is sent again when a time-out shows that the peer has dropped it.
TEST_P(SackSender, PeerReneges_SackedSegmentsAreSentAgain) {
  sending(4);
  EXPECT_EQ(answer(0, {{1, 4}}), Numbers{0});
  EXPECT_EQ(answer(1), Numbers{}) << "and 1 to 3 are gone again";
  EXPECT_EQ(after(params.tcp.rto_min + 20ms), Numbers{1});
  EXPECT_EQ(counters().tcp_sacks_reneged.value(), 1U);
  EXPECT_EQ(answer(2), (Numbers{2, 3}));
}

// What cannot be true is ignored and counted; what is old is nothing.
TEST_P(SackSender, BlocksThatCannotBe_AreIgnored) {
  sending(6);
  answer(2);
  EXPECT_EQ(answer(2, {{7, 9}}), Numbers{}) << "beyond SND.NXT";
  EXPECT_EQ(answer(2, {{3, 9}}), Numbers{}) << "reaching beyond it";
  EXPECT_EQ(answer(2, {{5, 3}}), Numbers{}) << "inverted";
  EXPECT_EQ(answer(2, {{4, 4}}), Numbers{}) << "empty";
  PeerSegment ancient = ack(2);
  ancient.options.sack_count = 1;
  ancient.options.sack[0] = {first - 1'000'000'000, first - 900'000'000};
  EXPECT_EQ(answer(ancient), Numbers{});
  EXPECT_EQ(counters().tcp_sack_blocks_ignored.value(), 5U);
  EXPECT_EQ(tcb().hot.flight->board.sacked(), 0U);
  EXPECT_EQ(answer(6), Numbers{});
}

TEST_P(SackSender, BlocksOfAPeerWithoutTheOption_AreNotRead) {
  params.tcp.sack = false;
  sending(6);
  for (uint32_t right = 2; right < 6; ++right) peer().send(ack(0, {{1, right}}));
  EXPECT_EQ(tcb().hot.flight->board.sacked(), 0U);
}

// CVE-2019-11477 and 11478, "SACK panic" and "SACK slowness": a peer with a tiny MSS tells of every other
// octet.
TEST_P(SackSender, HostileSackFlood_CostsBoundedTimeAndMemory) {
  params.tcp.timestamps = false;
  params.tcp.send_buffer = 1U << 20;
  params.tcp.initial_window_segments = 1000;
  Walk& w = begin();
  wire::TcpOptions offer = mss_option(48);
  offer.sack_permitted = true;
  w.open(offer);
  first = w.v.snd_nxt;
  w.app_send(20'000);
  const uint32_t out = text_in(seen());
  ASSERT_GT(out, 10'000U);
  const uint64_t idle = peer().shard().usage().buffer_bytes;
  const std::clock_t start = std::clock();
  constexpr uint32_t kAcks = 20'000;
  for (uint32_t i = 0; i < kAcks; ++i) {
    PeerSegment segment = w.next(wire::kAck);
    segment.ack = first;
    segment.options.sack_count = 4;
    for (uint32_t b = 0; b < 4; ++b) {
      const uint32_t octet = 2 * ((4 * i + b) % (out / 2 - 1)) + 1;
      segment.options.sack[b] = {first + octet, first + octet + 1};
    }
    peer().enqueue(segment);
    if (i % 64 == 63) {
      peer().run();
      peer().take();
    }
  }
  peer().run();
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5.0)
      << "20,000 acknowledgements of 4 blocks each";
  // One burst had no side block before: now there is that, and the page of its runs.
  EXPECT_LE(peer().shard().usage().buffer_bytes, idle + tcp::kCellBytes + tcp::kPageBytes);
  EXPECT_GT(counters().tcp_sack_blocks_ignored.value(), 0U);
  EXPECT_LE(tcb().hot.flight->board.size(), tcp::kPageBytes / sizeof(recovery::Run));
  PeerSegment all = w.next(wire::kAck);
  all.ack = first + out;
  peer().send(all);
  EXPECT_EQ(tcb().hot.snd_una, first + out) << "the connection is none the worse for it";
}

// A queue that overflows in slow start loses every other segment of a large window: all the others are remembered.
TEST_P(SackSender, EverySecondSegmentOfALargeWindowSacked_NoneIsForgotten) {
  constexpr uint32_t kSegments = 3'000;
  params.tcp.initial_window_segments = kSegments;
  params.tcp.send_buffer = kSegments * kMss;
  params.memory.buffer_bytes = 64U << 20;
  Walk& w = begin();
  wire::TcpOptions offer = mss_option(kMss);
  offer.sack_permitted = true;
  offer.window_scale = WindowScale(8);
  w.open(offer);
  peer().send(w.next(wire::kAck));  // a window that is scaled
  first = w.v.snd_nxt;
  w.app_send(kSegments * kMss);
  ASSERT_EQ(text_in(seen()), kSegments * kMss);
  for (uint32_t i = 1; i < kSegments; i += 2) answer(0, {{i, i + 1}});
  EXPECT_EQ(counters().tcp_sack_blocks_ignored.value(), 0U);
  EXPECT_EQ(tcb().hot.flight->board.sacked(), kSegments / 2 * kMss);
  EXPECT_LE(peer().shard().usage().buffer_bytes, 64U << 20);
  answer(kSegments);
  EXPECT_EQ(tcb().hot.flight, nullptr) << "nothing is held any more";
}

// RFC 3042, for a peer without SACK: the first two duplicates let one new segment out each.
TEST_P(SackSender, WithoutSack_TheFirstTwoDuplicatesLetNewSegmentsOut) {
  params.tcp.sack = false;
  Walk& w = sending(10);
  w.app_send(5 * kMss);
  EXPECT_EQ(numbers(seen()), Numbers{});
  EXPECT_EQ(answer(0), Numbers{10});
  EXPECT_EQ(answer(0), Numbers{11});
  EXPECT_EQ(answer(0), Numbers{0});
}

MILLRACE_BOTH_FAMILIES(SackSender);

}  // namespace
}  // namespace millrace::conformance
