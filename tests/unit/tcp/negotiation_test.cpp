#include "tcp/open/negotiation.h"

#include <gtest/gtest.h>

namespace millrace::tcp {
namespace {

TcpParams params() {
  TcpParams params;
  params.receive_buffer_max = 0;
  return params;
}

TEST(Negotiation, Mss_IsTheMtuLessTheHeaders) {
  EXPECT_EQ(mss_for_mtu(1500, Family::V4), Mss(1460));
  EXPECT_EQ(mss_for_mtu(1500, Family::V6), Mss(1440));
  EXPECT_EQ(mss_for_mtu(9000, Family::V4), Mss(8960));
}

TEST(Negotiation, Offer_HoldsWhatIsConfigured) {
  const wire::TcpOptions all = offer(Mss(1460), 1 << 20, params());
  EXPECT_EQ(all.mss, Mss(1460));
  EXPECT_EQ(all.window_scale, WindowScale(5));  // 2^20 >> 5 = 32768 fits 16 bits, >> 4 does not
  EXPECT_TRUE(all.timestamps);
  EXPECT_TRUE(all.sack_permitted);
  TcpParams bare = params();
  bare.timestamps = bare.window_scaling = bare.sack = false;
  const wire::TcpOptions few = offer(Mss(1460), 1 << 20, bare);
  EXPECT_FALSE(few.window_scale);
  EXPECT_FALSE(few.timestamps);
  EXPECT_FALSE(few.sack_permitted);
}

TEST(Negotiation, Scale_CanSayWhatTheWindowMayGrowTo) {
  TcpParams grows = params();
  grows.receive_buffer_max = 4 << 20;
  EXPECT_EQ(offer(Mss(1460), 1 << 20, grows).window_scale, WindowScale(7));
}

TEST(Negotiation, Answer_HoldsNothingThatWasNotOffered) {
  const wire::TcpOptions nothing;
  const wire::TcpOptions reply = answer(nothing, Mss(1460), 1 << 20, params());
  EXPECT_TRUE(reply.mss);
  EXPECT_FALSE(reply.window_scale);
  EXPECT_FALSE(reply.timestamps);
  EXPECT_FALSE(reply.sack_permitted);
}

class Agreement : public testing::Test {
 protected:
  void agree_on(const wire::TcpOptions& ours, const wire::TcpOptions& theirs, Family family = Family::V4) {
    tcb.cold.our_mss = Mss(1460);
    agree(tcb, ours, theirs, family);
  }
  Memory memory{1 << 20, 0};
  Tcb tcb{memory};
};

TEST_F(Agreement, ScaleByOneSideAlone_MeansNone) {
  wire::TcpOptions ours = offer(Mss(1460), 1 << 20, params());
  agree_on(ours, {});
  EXPECT_EQ(tcb.hot.rcv_scale, WindowScale(0));
  EXPECT_EQ(tcb.hot.snd_scale, WindowScale(0));
  EXPECT_FALSE(tcb.hot.flags.timestamps);
}

TEST_F(Agreement, BothSides_UseEachOthersScaleAndTimestamps) {
  wire::TcpOptions theirs;
  theirs.window_scale = WindowScale(9);
  theirs.timestamps = wire::Timestamps{.value = 77, .echo_reply = 0};
  theirs.mss = Mss(1400);
  agree_on(offer(Mss(1460), 1 << 20, params()), theirs);
  EXPECT_EQ(tcb.hot.snd_scale, WindowScale(9));
  EXPECT_EQ(tcb.hot.rcv_scale, WindowScale(5));
  EXPECT_EQ(tcb.hot.ts_recent, 77U);
  EXPECT_EQ(tcb.hot.mss, 1400 - 12);
}

// RFC 9293 §3.7.1 MUST-15.
TEST_F(Agreement, WithoutMss_TheDefaultOfTheFamilyHolds) {
  agree_on({}, {}, Family::V4);
  EXPECT_EQ(tcb.hot.mss, 536);
  agree_on({}, {}, Family::V6);
  EXPECT_EQ(tcb.hot.mss, 1220);
}

TEST_F(Agreement, AHostileMss_CannotMakeSegmentsEmpty) {
  wire::TcpOptions theirs;
  theirs.mss = Mss(0);
  theirs.timestamps = wire::Timestamps{};
  agree_on(offer(Mss(1460), 1 << 20, params()), theirs);
  EXPECT_GE(tcb.hot.mss, 36);
}

}  // namespace
}  // namespace millrace::tcp
