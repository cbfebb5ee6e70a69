// HyStart++ (RFC 9406): when the first slow start ends, and how.
#include <gtest/gtest.h>

#include "cc/controller.h"
#include "flow.h"

namespace millrace::cc {
namespace {

// Slow start in whole rounds: the window is acknowledged piece by piece, each after `rtt`. What the last one lets go
// counts as sent with it, so that the next round is the next call.
void round(Flow& flow, Micros rtt, Bytes piece = Flow::kSmss) {
  flow.rtt = rtt;
  const Seq end = flow.snd_nxt;
  flow.now += rtt;
  while (flow.snd_una.before(end)) {
    const Bytes octets = std::min(piece, end - flow.snd_una);
    Flow after = flow;
    after.acknowledge(octets);
    if (after.snd_una == end) flow.snd_nxt = after.snd_nxt;
    flow.acknowledge(octets);
  }
}

TEST(HyStart, SteadyRoundTrips_TheWindowDoubles) {
  Flow flow(Algorithm::Cubic, 50ms);
  for (int i = 0; i < 6; ++i) {
    const Bytes before = flow.cc.cwnd();
    round(flow, 50ms);
    EXPECT_EQ(flow.cc.cwnd(), 2 * before);
  }
  EXPECT_EQ(flow.cc.ssthresh(), kMaxWindow);
}

// §4.2: L is 8 for a sender that does not pace.
TEST(HyStart, OneAcknowledgement_OpensByEightSegmentsAtMost) {
  Flow flow(Algorithm::Cubic, 50ms);
  flow.acknowledge(10 * Flow::kSmss);
  EXPECT_EQ(flow.cc.cwnd(), 18U * Flow::kSmss);
}

// §4.2: an increase by an eighth of the last round's minimum, no less than 4 ms and no more than 16 ms.
TEST(HyStart, TheThreshold_IsAnEighthBetweenFourAndSixteenMilliseconds) {
  struct Case {
    Micros before, short_of, enough;
  };
  for (const Case& one : {Case{10ms, 13900us, 14ms}, Case{64ms, 71900us, 72ms}, Case{400ms, 415900us, 416ms}}) {
    for (const Micros rtt : {one.short_of, one.enough}) {
      Flow flow(Algorithm::Cubic, one.before);
      round(flow, one.before);
      round(flow, one.before);
      round(flow, rtt);
      const Bytes before = flow.cc.cwnd();
      round(flow, rtt);
      if (rtt == one.enough)
        EXPECT_EQ(flow.cc.cwnd(), before + before / 4) << "CSS grows by a quarter";
      else
        EXPECT_EQ(flow.cc.cwnd(), 2 * before);
    }
  }
}

// §4.2: five rounds of it, the one in which it began counted, then congestion avoidance.
TEST(HyStart, ConservativeSlowStart_EndsAfterFiveRounds) {
  Flow flow(Algorithm::Cubic, 50ms);
  round(flow, 50ms);
  round(flow, 50ms);
  for (int i = 0; i < 4; ++i) {
    round(flow, 60ms);
    EXPECT_EQ(flow.cc.ssthresh(), kMaxWindow) << i;
  }
  round(flow, 60ms);
  EXPECT_EQ(flow.cc.ssthresh(), flow.cc.cwnd());
  // RFC 9438 §4.10: K is 0 and W_max what the window is.
  const Bytes window = flow.cc.cwnd();
  flow.rounds(5);
  EXPECT_GT(flow.cc.cwnd(), window);
  EXPECT_LT(flow.cc.cwnd(), window + 10 * Flow::kSmss);
}

// §4.2: what looked like a queue was jitter.
TEST(HyStart, RoundTripsFallAgain_SlowStartGoesOn) {
  Flow flow(Algorithm::Cubic, 50ms);
  round(flow, 50ms);
  round(flow, 50ms);
  round(flow, 60ms);
  round(flow, 60ms);
  round(flow, 59ms);  // less than when it began
  const Bytes before = flow.cc.cwnd();
  round(flow, 50ms);
  EXPECT_EQ(flow.cc.cwnd(), 2 * before);
  EXPECT_EQ(flow.cc.ssthresh(), kMaxWindow);
}

// §4.2: a round needs eight samples to be believed.
TEST(HyStart, SevenSamples_SayNothing) {
  for (const int samples : {7, 8}) {
    Flow flow(Algorithm::Cubic, 50ms);
    round(flow, 50ms);
    round(flow, 50ms);
    round(flow, 80ms, flow.cc.cwnd() / static_cast<Bytes>(samples) + 1);
    const Bytes before = flow.cc.cwnd();
    flow.acknowledge(Flow::kSmss);
    EXPECT_EQ(flow.cc.cwnd(), before + (samples == 8 ? Flow::kSmss / 4 : Flow::kSmss)) << samples;
  }
}

// §4.2: loss ends it whatever it was about to do; and it is for the first slow start alone.
TEST(HyStart, Loss_EndsItForGood) {
  Flow flow(Algorithm::Cubic, 50ms);
  round(flow, 50ms);
  flow.lose();
  EXPECT_EQ(flow.cc.ssthresh(), 14U * Flow::kSmss);
  flow.time_out(100 * Flow::kSmss);
  for (const Micros rtt : {50ms, 90ms, 150ms, 230ms}) round(flow, rtt);
  EXPECT_EQ(flow.cc.cwnd(), 16U * Flow::kSmss) << "slow start as ever";
}

TEST(HyStart, Undo_BringsItBack) {
  Flow flow(Algorithm::Cubic, 50ms);
  round(flow, 50ms);
  round(flow, 50ms);
  const Controller before = flow.cc;
  flow.cc.on_enter_recovery(flow.now, flow.cc.cwnd());
  flow.cc.undo(flow.now, before);
  round(flow, 60ms);
  const Bytes window = flow.cc.cwnd();
  round(flow, 60ms);
  EXPECT_EQ(flow.cc.cwnd(), window + window / 4) << "with the round trips it knew";
}

TEST(HyStart, NewReno_HasNone) {
  Flow flow(Algorithm::NewReno, 50ms);
  for (const Micros rtt : {50ms, 90ms, 150ms, 230ms}) {
    const Bytes before = flow.cc.cwnd();
    round(flow, rtt);
    EXPECT_EQ(flow.cc.cwnd(), 2 * before);
  }
}

}  // namespace
}  // namespace millrace::cc
