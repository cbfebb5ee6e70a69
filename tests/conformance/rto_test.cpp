// The retransmission timer (RFC 6298), beyond what timeout_test.cpp asks in every state.
#include "scene.h"

namespace millrace::conformance {
namespace {

class Rto : public Scene {
 protected:
  Rto() { params.tcp.timestamps = false; }

  // ESTABLISHED by an active OPEN whose SYN was answered after `round_trip`.
  Walk& opened(Micros round_trip) {
    Walk& w = begin();
    w.connect();
    peer().advance(round_trip);
    answer_syn();
    return w;
  }
  void answer_syn() {
    peer().send({.flags = wire::kSyn | wire::kAck,
                 .seq = walk->v.irs,
                 .ack = walk->v.snd_nxt,
                 .options = mss_option()});
    peer().take();
    walk->v.rcv_nxt = walk->v.irs + 1;
    walk->v.snd_una = walk->v.snd_nxt;
  }
  // How long it takes until something leaves.
  Micros silence() {
    const Instant from = peer().now();
    while (peer().now() - from < 10s) {
      peer().step(from + 10s);
      if (!peer().take().empty()) return peer().now() - from;
    }
    return Micros::max();
  }
};

// §5.1, §5.3: the timer runs from the last acknowledgement of new data, not from when the segment left.
TEST_P(Rto, AckOfNewData_StartsTheTimerAgain) {
  params.tcp.nagle = false;
  Walk& w = opened(100ms);  // RTO 300 ms (§2.2)
  w.send_text(100);
  w.send_text(100);
  peer().advance(200ms);
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_una + 100;
  peer().send(ack);
  EXPECT_TRUE(peer().take().empty());
  peer().advance(150ms);
  EXPECT_TRUE(peer().take().empty()) << "350 ms after it left, 150 ms after the acknowledgement";
  EXPECT_LT(silence(), 1s);
}

// §5.2.
TEST_P(Rto, AllAcknowledged_StopsTheTimer) {
  Walk& w = opened(100ms);
  w.send_text(100);
  w.acknowledge();
  EXPECT_EQ(silence(), Micros::max());
}

// §5.4: the earliest that has not been acknowledged, and no more at once.
TEST_P(Rto, Expiry_SendsTheEarliestSegmentAgain) {
  params.tcp.nagle = false;
  Walk& w = opened(100ms);
  for (int i = 0; i < 3; ++i) w.send_text(100);
  PeerSegment ack = w.next(wire::kAck);
  ack.ack = w.v.snd_una + 100;
  peer().send(ack);
  peer().take();
  peer().advance(350ms);
  const std::vector<Captured> again = peer().take();
  ASSERT_EQ(again.size(), 1U) << list(again);
  EXPECT_EQ(again[0].segment.seq, w.v.snd_una + 100);
}

// §3: a sample a round trip at least. Ten of the same length take the variance out of the first estimate.
TEST_P(Rto, EveryRoundTrip_IsMeasured) {
  params.tcp.rto_min = 1ms;
  Walk& w = opened(100ms);
  for (int i = 0; i < 20; ++i) {
    w.send_text(10);
    peer().advance(100ms);
    w.acknowledge();
  }
  w.send_text(10);
  const Micros rto = silence();
  EXPECT_GE(rto, 100ms) << "never earlier than the round trip";
  EXPECT_LT(rto, 150ms) << "after one sample it was 300 ms";
}

// §5.7: without a sample, for the SYN was sent twice.
TEST_P(Rto, SynTimedOut_DataBeginsWithThreeSeconds) {
  Walk& w = begin();
  w.connect();
  peer().advance(params.tcp.rto_initial + 50ms);
  EXPECT_EQ(peer().take().size(), 1U) << "the SYN again";
  answer_syn();
  w.send_text(10);
  const Micros rto = silence();
  EXPECT_GE(rto, 3s - 10ms);
  EXPECT_LE(rto, 3s + 50ms);
}

// §2.1 and §2.5, as they are when nobody has configured anything.
TEST_P(Rto, Defaults_AreThoseOfTheRfc) {
  const TcpParams defaults;
  EXPECT_EQ(defaults.rto_initial, Micros(1s));
  EXPECT_GE(defaults.rto_max, Micros(60s));
}

MILLRACE_BOTH_FAMILIES(Rto);

}  // namespace
}  // namespace millrace::conformance
