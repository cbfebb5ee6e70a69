// Time-outs in every state (RFC 9293 §3.10.8): retransmission with backoff and its end, TIME-WAIT, the
// persist timer, the delayed acknowledgement. A cell is named timeout_<timer>_<state>.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "verdict.h"

namespace millrace::conformance {
namespace {

using tcp::State;

constexpr Micros kSlack = 25ms;  // a wheel's tick, and the round trip on the way to the state

struct Place {
  Stage stage;
  Opening opening;
  Family family;
};

std::vector<Place> places(uint32_t of) {
  std::vector<Place> out;
  for (unsigned i = 0; i < kStages; ++i)
    for (const Opening opening : {Opening::Passive, Opening::Active})
      for (const Family family : {Family::V4, Family::V6}) {
        const auto stage = static_cast<Stage>(i);
        if ((of & stages(stage)) != 0 && exists(stage, opening)) out.push_back({stage, opening, family});
      }
  return out;
}

void PrintTo(const Place& place, std::ostream* out) { *out << stage_text(place.stage, place.opening); }

template <const char* kTimer>
std::string name_of_place(const testing::TestParamInfo<Place>& info) {
  return std::string("timeout_") + kTimer + "_" + stage_text(info.param.stage, info.param.opening) +
         family_suffix(info.param.family);
}

constexpr char kRetransmission[] = "retransmission";
constexpr char kNothing[] = "nothing";
constexpr char kTimeWait[] = "time_wait";
constexpr char kPersist[] = "persist";
constexpr char kDelayedAck[] = "delayed_ack";

class Timeout : public testing::TestWithParam<Place> {
 protected:
  void walk_to(const ShardParams& params) {
    walk.emplace(GetParam().family, GetParam().opening, params);
    ASSERT_NO_THROW(walk->to(GetParam().stage));
  }
  void TearDown() override {
    if (walk) {
      EXPECT_EQ(clean_up(*walk), "");
    }
  }
  // Lets time pass until a segment leaves, and returns how long that took.
  Micros until_next(Captured& seen, Micros bound) {
    const Instant from = walk->peer.now();
    while (walk->peer.now() - from < bound) {
      walk->peer.step(from + bound);
      std::vector<Captured> all = walk->peer.take();
      if (all.empty()) continue;
      EXPECT_EQ(all.size(), 1U);
      seen = all.front();
      return seen.at - from;
    }
    return Micros::max();
  }
  std::optional<Walk> walk;
};

// ---- retransmission
// ------------------------------------------------------------------------------------------

// What lies at the front of the retransmission queue.
struct Front {
  wire::Flags flags;
  Seq seq;
  uint32_t length;
  Micros first;      // RFC 6298 §2.1, or §2.2 with the least RTO (deviation: rto_min)
  uint32_t retries;  // TcpParams
};

Front front_of(const Walk& walk, Stage stage, const TcpParams& params) {
  switch (stage) {
    case Stage::SynSent:
      return {wire::kSyn, walk.v.iss, 0, params.rto_initial, params.syn_retries};
    case Stage::SynReceived:
      return {wire::kSyn | wire::kAck, walk.v.iss, 0, params.rto_initial,
              walk.opening == Opening::Passive ? params.syn_ack_retries : params.syn_retries};
    case Stage::EstablishedSending:
    case Stage::CloseWaitSending:
      return {wire::kAck, walk.v.snd_una, kExchanged, walk.least_rto(params), params.data_retries};
    default:
      return {wire::kFin | wire::kAck, walk.v.snd_una, 0, walk.least_rto(params), params.data_retries};
  }
}

class Retransmission : public Timeout {};

TEST_P(Retransmission, SendsTheFrontAgainWithBackoffUntilItGivesUp) {
  const ShardParams params = default_params(GetParam().family);
  walk_to(params);
  const Stage stage = GetParam().stage;
  const Front front = front_of(*walk, stage, params.tcp);
  Micros due = front.first;
  for (uint32_t i = 0; i < front.retries; ++i, due *= 2) {
    Captured seen;
    const Micros took = until_next(seen, due + 1s);
    SCOPED_TRACE("retransmission " + std::to_string(i + 1) + ": " + describe(seen.segment));
    // The first interval began up to two round trips before the state was reached.
    EXPECT_GE(took, due - (i == 0 ? 2 * kRoundTrip + 2ms : 2ms));
    EXPECT_LE(took, due + kSlack);
    EXPECT_EQ(seen.segment.flags.bits() & ~wire::Flags::kPsh, front.flags.bits());
    EXPECT_EQ(seen.segment.seq, front.seq);
    EXPECT_EQ(seen.segment.payload_length, front.length);
    if (front.flags.ack()) {
      EXPECT_EQ(seen.segment.ack, walk->v.rcv_nxt);
    }
  }
  walk->peer.advance(due - kSlack);
  EXPECT_EQ(walk->peer.state(), state_of(stage)) << "given up too early";
  walk->peer.advance(2 * kSlack);
  EXPECT_EQ(walk->peer.state(), walk->opening == Opening::Passive ? State::Listen : State::Closed);
  // RFC 9293 §3.8.3: the application is told, unless it has none yet.
  const bool unknown = stage == Stage::SynReceived && walk->opening == Opening::Passive;
  EXPECT_EQ(walk->app.take_events(), unknown ? "" : "closed(timed out)");
  for (const Captured& seen : walk->peer.take())
    ADD_FAILURE() << "the end is silent (RFC 9293 §3.10.8): " << describe(seen.segment);
}

INSTANTIATE_TEST_SUITE_P(Grid, Retransmission,
                         testing::ValuesIn(places(in::kSynSent | in::kSynReceived | in::kFinWait1 |
                                                  in::kFinWait1Deaf | in::kClosing | in::kLastAck |
                                                  stages(Stage::EstablishedSending,
                                                         Stage::CloseWaitSending))),
                         name_of_place<kRetransmission>);

// ---- nothing outstanding
// -------------------------------------------------------------------------------------

class NothingOutstanding : public Timeout {};

// RFC 9293 §3.8.4: keep-alives are off by default; nothing else has a timer. (FIN-WAIT-2 without an
// application has one of ours: deviation fin-wait-2, idle_test.cpp.)
TEST_P(NothingOutstanding, StaysAsItIsAndSilentForHours) {
  walk_to(default_params(GetParam().family));
  walk->peer.advance(10'800s);
  EXPECT_TRUE(walk->peer.take().empty());
  EXPECT_EQ(walk->peer.state(), state_of(GetParam().stage));
  EXPECT_EQ(walk->app.take_events(), "");
}

INSTANTIATE_TEST_SUITE_P(Grid, NothingOutstanding,
                         testing::ValuesIn(places(in::kClosed | in::kListen | in::kFinWait2 |
                                                  stages(Stage::Established, Stage::CloseWait))),
                         name_of_place<kNothing>);

// ---- TIME-WAIT
// -----------------------------------------------------------------------------------------------

class TimeWaitTimer : public Timeout {
 protected:
  bool lingers() const { return walk->peer.state() == State::TimeWait; }
};

TEST_P(TimeWaitTimer, EndsAfterTwoMsl) {
  const ShardParams params = default_params(GetParam().family);
  walk_to(params);
  walk->peer.advance(2 * params.tcp.msl - kSlack);
  EXPECT_TRUE(lingers());
  walk->peer.advance(2 * kSlack);
  EXPECT_FALSE(lingers());
  EXPECT_TRUE(walk->peer.take().empty());
}

TEST_P(TimeWaitTimer, RestartsOnARetransmittedFin) {
  const ShardParams params = default_params(GetParam().family);
  walk_to(params);
  walk->peer.advance(params.tcp.msl);
  PeerSegment fin = walk->next(wire::kFin | wire::kAck);
  fin.seq = walk->v.rcv_nxt - 1;
  walk->peer.send(fin);
  const wire::Segment answer = walk->peer.take_one().segment;
  EXPECT_EQ(answer.flags, wire::kAck);
  EXPECT_EQ(answer.seq, walk->v.snd_nxt);
  EXPECT_EQ(answer.ack, walk->v.rcv_nxt);
  walk->peer.advance(2 * params.tcp.msl - kSlack);
  EXPECT_TRUE(lingers()) << "2 MSL count from the last FIN";
  walk->peer.advance(2 * kSlack);
  EXPECT_FALSE(lingers());
}

TEST_P(TimeWaitTimer, TakesItsLengthFromMsl) {
  ShardParams params = default_params(GetParam().family);
  params.tcp.msl = 120s;
  walk_to(params);
  walk->peer.advance(240s - kSlack);
  EXPECT_TRUE(lingers());
  walk->peer.advance(2 * kSlack);
  EXPECT_FALSE(lingers());
}

INSTANTIATE_TEST_SUITE_P(Grid, TimeWaitTimer, testing::ValuesIn(places(in::kTimeWait)),
                         name_of_place<kTimeWait>);

// ---- persist
// -------------------------------------------------------------------------------------------------

class PersistTimer : public Timeout {
 protected:
  void close_window() {
    PeerSegment shut = walk->next(wire::kAck);
    shut.window = 0;
    walk->peer.send(shut);
    ASSERT_EQ(walk->app_send(300), 300U);
    walk->peer.run();
    ASSERT_TRUE(walk->peer.take().empty()) << "the window is closed";
  }
};

// RFC 9293 §3.8.6.1: first after an RTO, then at doubled intervals, and for as long as the peer answers.
TEST_P(PersistTimer, ProbesAClosedWindowForAsLongAsThePeerAnswers) {
  const ShardParams params = default_params(GetParam().family);
  walk_to(params);
  close_window();
  Micros due = walk->least_rto(params.tcp);
  for (int i = 0; i < 20; ++i) {
    Captured probe;
    const Micros took = until_next(probe, 2 * params.tcp.rto_max);
    SCOPED_TRACE("probe " + std::to_string(i + 1) + ": " + describe(probe.segment));
    EXPECT_GE(took, due - 2ms);
    EXPECT_LE(took, due + kSlack);
    EXPECT_GE(probe.segment.payload_length, 1U) << "at least one octet of new data";
    EXPECT_EQ(probe.segment.seq, walk->v.snd_nxt);
    PeerSegment shut = walk->next(wire::kAck);
    shut.window = 0;
    walk->peer.send(shut);
    EXPECT_TRUE(walk->peer.take().empty());
    due = std::min(due * 2, params.tcp.rto_max);
  }
  EXPECT_EQ(walk->peer.state(), state_of(GetParam().stage));
}

TEST_P(PersistTimer, SendsEverythingWhenTheWindowOpens) {
  walk_to(default_params(GetParam().family));
  close_window();
  Captured probe;
  until_next(probe, 10s);
  PeerSegment open = walk->next(wire::kAck);
  open.ack = probe.segment.end();
  walk->peer.send(open);
  uint32_t octets = probe.segment.payload_length;
  for (const Captured& seen : walk->peer.take()) {
    EXPECT_EQ(seen.segment.seq, walk->v.snd_nxt + octets);
    octets += seen.segment.payload_length;
  }
  EXPECT_EQ(octets, 300U);
}

// RFC 6298 §5.1: the timer of what leaves when the window opens runs from then, not from the last probe's time.
TEST_P(PersistTimer, WindowThatOpensJustBeforeAProbe_StartsTheRetransmissionTimerAnew) {
  const ShardParams params = default_params(GetParam().family);
  walk_to(params);
  close_window();
  walk->peer.advance(walk->least_rto(params.tcp) - 5ms);
  ASSERT_TRUE(walk->peer.take().empty());
  walk->peer.send(walk->next(wire::kAck));
  const Captured first = walk->peer.take_one();
  ASSERT_EQ(first.segment.payload_length, 300U);
  walk->peer.advance(walk->least_rto(params.tcp) - 10ms);
  EXPECT_TRUE(walk->peer.take().empty()) << "no time-out yet";
  Captured again;
  EXPECT_LE(until_next(again, 10s), 10ms + kSlack);
  EXPECT_EQ(again.segment.seq, first.segment.seq);
}

INSTANTIATE_TEST_SUITE_P(Grid, PersistTimer,
                         testing::ValuesIn(places(stages(Stage::Established, Stage::CloseWait))),
                         name_of_place<kPersist>);

// ---- delayed acknowledgement
// ---------------------------------------------------------------------------------

class DelayedAck : public Timeout {
 protected:
  void SetUp() override {
    params = default_params(GetParam().family);
    params.tcp.quick_ack = true;  // on the way there
    params.tcp.receive_buffer = 64'000;
    walk_to(params);
    params.tcp.quick_ack = false;
    walk->peer.shard().set_tcp_params(params.tcp);
    // What the young connection still acknowledges at once is used up.
    for (int i = 0; i < 40; ++i) {
      walk->peer.send(walk->next(wire::kAck, 10));
      walk->v.rcv_nxt += 10;
      walk->peer.advance(600ms);
    }
    walk->peer.take();
    walk->app.take_events();
  }
  ShardParams params;
};

// RFC 9293 §3.8.6.3: SHLD-18, MUST-40.
TEST_P(DelayedAck, AcknowledgesOneSegmentLaterButWithinHalfASecond) {
  walk->peer.send(walk->next(wire::kAck | wire::kPsh, 100));
  EXPECT_TRUE(walk->peer.take().empty());
  Captured ack;
  const Micros took = until_next(ack, 1s);
  EXPECT_GE(took, params.tcp.delayed_ack - 2ms);
  EXPECT_LT(took, 500ms);
  EXPECT_EQ(ack.segment.flags, wire::kAck);
  EXPECT_EQ(ack.segment.ack, walk->v.rcv_nxt + 100);
  walk->peer.advance(1s);
  EXPECT_TRUE(walk->peer.take().empty()) << "once is enough";
}

// SHLD-19.
TEST_P(DelayedAck, AcknowledgesEverySecondFullSegmentAtOnce) {
  const uint32_t full = GetParam().family == Family::V4 ? 1460 : 1440;  // our MTU less the fixed headers
  for (int pair = 0; pair < 3; ++pair) {
    walk->peer.send(walk->next(wire::kAck, full));
    EXPECT_TRUE(walk->peer.take().empty()) << "the first of two";
    walk->v.rcv_nxt += full;
    walk->peer.send(walk->next(wire::kAck, full));
    walk->v.rcv_nxt += full;
    EXPECT_EQ(walk->peer.take_one().segment.ack, walk->v.rcv_nxt);
  }
}

// RFC 5681 §4.2, to which §3.8.6.3 points: a segment above a gap, and the one that fills it, at once.
TEST_P(DelayedAck, AcknowledgesDisorderAtOnce) {
  PeerSegment ahead = walk->next(wire::kAck, 100);
  ahead.seq = walk->v.rcv_nxt + 100;
  walk->peer.send(ahead);
  EXPECT_EQ(walk->peer.take_one().segment.ack, walk->v.rcv_nxt);
  walk->peer.send(walk->next(wire::kAck, 100));
  EXPECT_EQ(walk->peer.take_one().segment.ack, walk->v.rcv_nxt + 200);
}

INSTANTIATE_TEST_SUITE_P(Grid, DelayedAck,
                         testing::ValuesIn(places(in::kFinWait2 | stages(Stage::Established))),
                         name_of_place<kDelayedAck>);

}  // namespace
}  // namespace millrace::conformance
