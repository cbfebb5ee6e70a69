// BBR and Explicit Congestion Notification: any mark is congestion (draft-ietf-ccwg-bbr §3.7), once a round trip and told
// to the peer (RFC 3168 §6.1.2), and a model that no recovery halves hears of it in recovery, too.
#include <algorithm>
#include <stdexcept>

#include "cc/bbr.h"
#include "ecn_scene.h"

namespace millrace::conformance {
namespace {

using enum cc::Bbr::State;

class BbrEcn : public EcnScene {
 protected:
  BbrEcn() { params.tcp.congestion_control = CongestionControl::Bbr; }

  // ESTABLISHED with ECN, no end of data queued, and a window in flight after some rounds of Startup.
  void sending(int rounds = 2) {
    open();
    say(4'000'000);
    for (int i = 0; i < rounds; ++i) round();
    pass(kRoundTrip);
  }
  // What leaves meanwhile is paced.
  std::vector<Captured> pass(Micros time) {
    std::vector<Captured> out = leave();
    for (Micros passed{}; passed < time; passed += 1ms) {
      peer().advance(1ms);
      for (Captured& one : leave()) out.push_back(std::move(one));
    }
    return out;
  }
  // All in flight is acknowledged, a segment at a time as it has come, with `more`; what leaves for it.
  std::vector<Captured> ack_all(wire::Flags more = {}) {
    std::vector<Captured> out;
    const uint32_t end = flown;
    for (uint32_t i = 0; acked < end; ++i) {
      for (Captured& one : ack(std::min(end, acked + kMss), more)) out.push_back(std::move(one));
      if (i % 8 != 7) continue;
      for (Captured& one : pass(1ms)) out.push_back(std::move(one));
    }
    return out;
  }
  std::vector<Captured> round(wire::Flags more = {}) {
    pass(kRoundTrip);
    return ack_all(more);
  }
  // The second to the fourth segment in flight have arrived, the first has not.
  void lose_one() {
    const uint32_t from = acked;
    for (uint32_t right = 2; right <= 4; ++right) ack(from, {}, {{from + kMss, from + right * kMss}});
  }
  const cc::Bbr& model() const {
    const cc::Bbr* model = walk->app.connection->tcb().cold.cc.model();
    if (model == nullptr) throw std::runtime_error("the connection has no model");
    return *model;
  }
};

TEST_P(BbrEcn, Echo_HoldsTheWindowForARoundTripAndThePeerIsToldOnce) {
  sending();
  const Bytes before = cwnd();
  std::vector<Captured> out = ack_all(wire::kEce);
  EXPECT_EQ(cwnd(), before);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U);
  for (Captured& one : pass(kRoundTrip)) out.push_back(std::move(one));
  EXPECT_EQ(std::ranges::count_if(out, [](const Captured& one) { return has_cwr(one.segment); }), 1);
  ack_all();
  EXPECT_GT(cwnd(), before) << "one mark does not end Startup";
  EXPECT_EQ(model().state(), Startup);
}

TEST_P(BbrEcn, EchoesOfTwoRoundTrips_EndStartup) {
  sending();
  ack_all(wire::kEce);
  pass(kRoundTrip);
  EXPECT_FALSE(model().full_bw_reached());
  ack_all(wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 2U);
  EXPECT_TRUE(model().full_bw_reached());
  EXPECT_LT(model().inflight_longterm(), cc::Bbr::kInfinite);
}

// A recovery that goes on for many round trips would hide every mark.
TEST_P(BbrEcn, EchoInFastRecovery_IsHeard) {
  sending();
  lose_one();
  ASSERT_EQ(counters().tcp_fast_retransmits.value(), 1U);
  ack(acked, wire::kEce, {{acked + kMss, acked + 6 * kMss}});
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 0U) << "nothing is acknowledged";
  ack(acked + 6 * kMss, wire::kEce);
  EXPECT_TRUE(model().in_recovery());
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U);
  ack(acked + kMss, wire::kEce);
  EXPECT_EQ(counters().tcp_ecn_reductions.value(), 1U) << "once a window";
}

TEST_P(BbrEcn, LossInTheWindowOfAnEcho_IsRecoveryAllTheSame) {
  sending();
  ack(acked + 2 * kMss, wire::kEce);
  const Bytes before = cwnd();
  lose_one();
  EXPECT_EQ(counters().tcp_fast_retransmits.value(), 1U);
  EXPECT_TRUE(model().in_recovery());
  EXPECT_GE(cwnd(), before);
  ack_all();
  EXPECT_FALSE(model().in_recovery());
  EXPECT_GE(cwnd(), before);
}

MILLRACE_BOTH_FAMILIES(BbrEcn);

}  // namespace
}  // namespace millrace::conformance
