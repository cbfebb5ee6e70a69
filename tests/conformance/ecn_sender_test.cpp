// The sender's side of Explicit Congestion Notification: what is ECN-capable (RFC 3168 §6.1.4 to §6.1.6), and
// what ECE does to the congestion window (§6.1.2).
#include <algorithm>

#include "ecn_scene.h"

namespace millrace::conformance {
namespace {

class EcnSender : public EcnScene {
 protected:
  // ESTABLISHED with 20 segments in flight and no end of data behind them.
  void sending(uint32_t octets = 400'000) {
    open();
    say(octets);
    round();
    ASSERT_EQ(flown - acked, 20 * kMss);
  }
  static size_t cwrs(const std::vector<Captured>& out) {
    return static_cast<size_t>(
        std::ranges::count_if(out, [](const Captured& one) { return has_cwr(one.segment); }));
  }
  // The second to the fourth segment in flight have arrived, the first has not.
  std::vector<Captured> lose_one(wire::Flags more = {}) {
    std::vector<Captured> out;
    const uint32_t from = acked;
    for (uint32_t right = 2; right <= 4; ++right)
      for (Captured& one : ack(from, more, {{from + kMss, from + right * kMss}})) out.push_back(std::move(one));
    return out;
  }
};

// ---- what is ECN-capable

TEST_P(EcnSender, NewData_IsEct0BesideTheDscp) {
  params.tcp.dscp = 46;
  open();
  const std::vector<Captured> out = say(5 * kMss);
  ASSERT_EQ(out.size(), 5U) << list(out);
  for (const Captured& one : out) {
    EXPECT_EQ(one.segment.ecn, wire::kEct0);
    EXPECT_EQ(one.segment.dscp, 46);
  }
  walk->app.connection->shutdown();
  const std::vector<Captured> fin = leave();
  ASSERT_EQ(fin.size(), 1U);
  EXPECT_EQ(fin[0].segment.ecn, wire::kNotEct) << "a FIN without data";
}

// RFC 3168 §6.1.5.
TEST_P(EcnSender, Retransmissions_AreNot) {
  open();
  say(5 * kMss);
  peer().advance(kRoundTrip);
  std::vector<Captured> again = lose_one();
  peer().advance(3s);
  for (Captured& one : leave()) again.push_back(std::move(one));
  ASSERT_GE(again.size(), 2U) << list(again);
  EXPECT_EQ(flown, 5 * kMss) << "there is nothing new";
  for (const Captured& one : again) {
    EXPECT_EQ(one.segment.ecn, wire::kNotEct) << describe(one.segment);
    EXPECT_FALSE(has_cwr(one.segment));
  }
}

// RFC 8985 §7.3: the last segment once more.
TEST_P(EcnSender, TailLossProbe_OfOldDataIsNot) {
  sending(30 * kMss);
  peer().advance(25ms);
  const std::vector<Captured> out = leave();
  ASSERT_GE(counters().tcp_tail_loss_probes_sent.value(), 1U);
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0].segment.ecn, wire::kNotEct);
}

// RFC 3168 §6.1.6: a probe's fate tells nothing of congestion.
TEST_P(EcnSender, WindowProbe_IsNot) {
  open();
  PeerSegment closed = walk->next(wire::kAck);
  closed.window = 0;
  peer().send(closed);
  peer().take();
  EXPECT_TRUE(say(5000).empty());
  peer().advance(2s);
  const std::vector<Captured> out = peer().take();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0].segment.payload_length, 1U);
  EXPECT_EQ(out[0].segment.ecn, wire::kNotEct);
}

TEST_P(EcnSender, KeepAliveProbe_IsNot) {
  params.tcp.keepalive = true;
  params.tcp.keepalive_octet = true;
  params.tcp.keepalive_idle = 10s;
  open();
  peer().advance(11s);
  const std::vector<Captured> out = peer().take();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out[0].segment.ecn, wire::kNotEct);
}

// RFC 7413 §4.2.2: data of the SYN that the server has not taken leaves once more.
TEST_P(EcnSender, RefusedSynData_IsNot) {
  begin();
  app::ConnectOptions options;
  options.remote = peer().theirs();
  options.local_port = kOurPort;
  options.fast_open = true;
  const auto dial = [&] {
    walk->app.connection = peer().shard().connect(options, walk->app).connection;
    peer().run();
    const wire::Segment syn = peer().take_one().segment;
    EXPECT_EQ(syn.ecn, wire::kNotEct);
    walk->v.snd_nxt = syn.seq + 1;
    walk->v.irs = walk->v.irs + 100'000;
    return syn;
  };
  dial();
  wire::TcpOptions cookie = offer();
  cookie.fast_open = wire::FastOpenCookie{.length = 8};
  answer(kSetupSynAck, cookie);
  walk->app.connection->abort();
  peer().run();
  peer().take();
  const std::vector<uint8_t> octets(300);
  options.data = octets;
  ASSERT_EQ(dial().payload_length, 300U);
  const wire::Segment again = answer(kSetupSynAck, offer());
  EXPECT_EQ(again.payload_length, 300U);
  EXPECT_EQ(again.ecn, wire::kNotEct);
  first = walk->v.snd_nxt;
  flown = 300;
  ack(300);
  const std::vector<Captured> out = say(100);
  ASSERT_EQ(out.size(), 1U) << list(out);
  EXPECT_EQ(out[0].segment.ecn, wire::kEct0);
}

// ---- what ECE does

TEST_P(EcnSender, Ece_HalvesTheWindowAndTheNextNewDataSaysSo) {
  sending();
  peer().advance(kRoundTrip);
  std::vector<Captured> out = ack(acked + 2 * kMss, wire::kEce);
  EXPECT_EQ(cwnd(), 10U * kMss);
  EXPECT_EQ(ssthresh(), 10U * kMss);
  EXPECT_TRUE(out.empty()) << "more is in flight than the window now allows" << list(out);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U);
  const uint32_t end = flown;
  while (acked < end)
    for (Captured& one : ack(std::min(end, acked + 2 * kMss), wire::kEce)) out.push_back(std::move(one));
  ASSERT_FALSE(out.empty());
  EXPECT_TRUE(has_cwr(out[0].segment));
  EXPECT_EQ(out[0].segment.ecn, wire::kEct0);
  EXPECT_EQ(cwrs(out), 1U) << "once";
  EXPECT_EQ(counters().tcp_retransmitted_segments.value(), 0U);
}

// One reduction for all that was marked of one window of data; nor does the window grow by an acknowledgement with
// ECE.
TEST_P(EcnSender, Ece_CountsOnceARoundTrip) {
  sending();
  const uint32_t window = flown;
  round(wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U);
  EXPECT_EQ(cwnd(), 10U * kMss);
  EXPECT_GT(flown, window) << "what left in the round trip is the next window";
  round(wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 2U);
  EXPECT_EQ(cwnd(), 5U * kMss);
  round();
  EXPECT_GE(cwnd(), 5U * kMss);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 2U);
}

TEST_P(EcnSender, Ece_EndsSlowStartUnderCubicToo) {
  params.tcp.congestion_control = CongestionControl::Cubic;
  sending();
  peer().advance(kRoundTrip);
  ack(acked + 2 * kMss, wire::kEce);
  EXPECT_EQ(cwnd(), 14U * kMss) << "0.7 of the flight (RFC 9438 §4.6)";
  EXPECT_EQ(ssthresh(), 14U * kMss);
}

TEST_P(EcnSender, EceThatAcknowledgesNothingNew_IsKnown) {
  sending();
  ack(acked, wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 0U);
  EXPECT_EQ(counters().tcp_ecn_echoes_received.value(), 1U);
  EXPECT_EQ(cwnd(), 20U * kMss);
}

TEST_P(EcnSender, EceWithoutEcn_IsNothing) {
  ask(wire::kSyn);
  accept();
  first = walk->v.snd_nxt;
  say(100 * kMss);
  round(wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_echoes_received.value(), 0U);
  EXPECT_GE(cwnd(), 20U * kMss);
}

// RFC 3168 §6.1.2 would have it fall; two segments are the least for ssthresh (RFC 5681 §3.1 (4)), but never a
// reason to grow.
TEST_P(EcnSender, Ece_DoesNotOpenAWindowOfOneSegment) {
  params.tcp.initial_window_segments = 1;
  open();
  say(kMss);
  peer().advance(kRoundTrip);
  ack(kMss, wire::kEce);
  EXPECT_EQ(cwnd(), kMss);
  EXPECT_EQ(ssthresh(), 2 * kMss);
}

// All is acknowledged: the reduction is told when there is something to tell it with.
TEST_P(EcnSender, Ece_WithNothingLeftToSend_CwrWaitsForData) {
  open();
  say(4 * kMss);
  peer().advance(kRoundTrip);
  EXPECT_TRUE(ack(4 * kMss, wire::kEce).empty());
  for (int i = 0; i < 3; ++i) after(text(100, wire::kEct0, wire::kEce));
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U);
  EXPECT_EQ(ssthresh(), 2 * kMss);
  peer().advance(50ms);
  peer().take();
  const std::vector<Captured> out = say(2 * kMss);
  ASSERT_EQ(out.size(), 2U) << list(out);
  EXPECT_TRUE(has_cwr(out[0].segment));
  EXPECT_FALSE(has_cwr(out[1].segment));
}

TEST_P(EcnSender, Counts_AreShownOfTheConnection) {
  sending();
  round(wire::kEce);
  std::vector<shard::ConnectionRow> rows;
  peer().shard().copy_connections(0, 8, rows);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].ecn_echoes_received, 10U);
  EXPECT_EQ(rows[0].ecn_reductions, 1U);
}

// ---- beside losses

// RFC 3168 §6.1.2: the peer is told of any reduction.
TEST_P(EcnSender, FastRecovery_IsToldByCwrOnNewDataAlone) {
  sending();
  peer().advance(kRoundTrip);
  std::vector<Captured> out = lose_one();
  const uint32_t lost = acked;
  for (uint32_t right = 5; right <= 20; ++right)
    for (Captured& one : ack(lost, {}, {{lost + kMss, lost + right * kMss}})) out.push_back(std::move(one));
  size_t again = 0;
  for (const Captured& one : out) {
    if (one.segment.seq != first + lost) continue;
    ++again;
    EXPECT_FALSE(has_cwr(one.segment));
  }
  EXPECT_EQ(again, 1U);
  ASSERT_GT(out.size(), 1U) << "new data, too" << list(out);
  EXPECT_EQ(cwrs(out), 1U);
}

TEST_P(EcnSender, TimeOut_IsToldByCwrOnNewDataAlone) {
  sending();
  peer().advance(900ms);
  ASSERT_GE(counters().tcp_rto_fired.value(), 1U);
  EXPECT_EQ(cwrs(leave()), 0U) << "retransmissions";
  const std::vector<Captured> out = ack(flown);
  ASSERT_FALSE(out.empty());
  EXPECT_TRUE(has_cwr(out[0].segment));
  EXPECT_EQ(cwrs(out), 1U);
}

// One window of data, one reduction.
TEST_P(EcnSender, EceInFastRecovery_DoesNotReduceAgain) {
  sending();
  peer().advance(kRoundTrip);
  lose_one();
  const Bytes reduced = ssthresh();
  EXPECT_EQ(reduced, 10U * kMss);
  ack(acked, wire::kEce, {{acked + kMss, acked + 6 * kMss}});
  ack(acked + 6 * kMss, wire::kEce);
  EXPECT_EQ(ssthresh(), reduced);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 0U);
}

TEST_P(EcnSender, LossInTheWindowThatEceHasReduced_DoesNotReduceAgain) {
  sending();
  peer().advance(kRoundTrip);
  ack(acked + 2 * kMss, wire::kEce);
  EXPECT_EQ(ssthresh(), 10U * kMss);
  lose_one(wire::kEce);
  EXPECT_EQ(counters().tcp_fast_retransmits.value(), 1U);
  EXPECT_EQ(ssthresh(), 10U * kMss);
  ack(flown, wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U);
  EXPECT_GE(cwnd(), 10U * kMss);
}

TEST_P(EcnSender, LossInALaterWindow_Reduces) {
  sending();
  round(wire::kEce);
  EXPECT_EQ(ssthresh(), 10U * kMss);
  round();
  const Bytes before = flown - acked;
  peer().advance(kRoundTrip);
  lose_one();
  EXPECT_EQ(ssthresh(), before / 2);
}

TEST_P(EcnSender, TimeOutInTheWindowThatEceHasReduced_LeavesSsthresh) {
  sending();
  peer().advance(kRoundTrip);
  ack(acked + 2 * kMss, wire::kEce);
  EXPECT_EQ(ssthresh(), 10U * kMss);
  peer().advance(900ms);
  ASSERT_GE(counters().tcp_rto_fired.value(), 1U);
  EXPECT_EQ(cwnd(), kMss);
  EXPECT_EQ(ssthresh(), 10U * kMss);
}

// RFC 3708 and RFC 4015 take back what was for nothing; congestion it was.
TEST_P(EcnSender, EceInFastRecovery_ForbidsToUndoIt) {
  for (const bool marked : {false, true}) {
    walk.reset();
    flown = acked = 0;
    sending();
    peer().advance(kRoundTrip);
    const uint32_t lost = acked;
    lose_one(marked ? wire::kEce : wire::Flags());
    const uint32_t all = lost + 6 * kMss;
    ack(all, marked ? wire::kEce : wire::Flags());
    PeerSegment duplicate = walk->next(wire::kAck);
    duplicate.ack = first + all;
    duplicate.options.sack_count = 1;
    duplicate.options.sack[0] = {first + lost, first + lost + kMss};
    peer().send(duplicate);
    leave();
    EXPECT_EQ(counters().tcp_spurious_recoveries.value(), marked ? 0U : 1U);
    EXPECT_EQ(ssthresh() == 10U * kMss, marked);
    EXPECT_EQ(clean_up(*walk), "");
  }
}

// And what ECE has reduced is not taken back with an earlier recovery.
TEST_P(EcnSender, ReductionUndone_ThePeerIsNotTold) {
  sending();
  peer().advance(kRoundTrip);
  const uint32_t lost = acked;
  lose_one();
  PeerSegment duplicate = walk->next(wire::kAck);
  duplicate.ack = first + lost + 4 * kMss;
  duplicate.options.sack_count = 1;
  duplicate.options.sack[0] = {first + lost, first + lost + kMss};
  peer().send(duplicate);
  ASSERT_EQ(counters().tcp_spurious_recoveries.value(), 1U);
  std::vector<Captured> out = leave();
  acked = lost + 4 * kMss;
  for (Captured& one : round()) out.push_back(std::move(one));
  EXPECT_EQ(cwrs(out), 0U);
}

MILLRACE_BOTH_FAMILIES(EcnSender);

}  // namespace
}  // namespace millrace::conformance
