// Whether the loop polls on after work, by what that won and lost lately.
#include "dpdk/patience.h"

#include <gtest/gtest.h>

namespace millrace::dpdk {
namespace {

constexpr Micros kAfter = 40us;

// Sleeps without polling until it polls again; how often. More than 1000: never.
int sleeps_until_it_polls(Patience& patience) {
  int sleeps = 0;
  for (; patience.limit() == Micros{} && sleeps <= 1000; ++sleeps) patience.slept(Micros{});
  return sleeps;
}

void give_up(Patience& patience) {
  for (int i = 0; i < 1000 && patience.limit() > Micros{}; ++i) patience.slept(patience.limit());
}

TEST(Patience, AtTheStart_Polls) { EXPECT_EQ(Patience(kAfter).limit(), kAfter); }

TEST(Patience, NothingToWait_NeverPolls) {
  Patience patience(0us);
  EXPECT_GT(sleeps_until_it_polls(patience), 1000);
}

TEST(Patience, PacketsLaterThanAWakeUpIsWorth_SleepsAtOnce) {
  Patience patience(kAfter);
  int in_vain = 0;
  for (; patience.limit() > Micros{}; ++in_vain) patience.slept(patience.limit());
  EXPECT_LE(in_vain, 8);
}

TEST(Patience, OnePacketInThreeIsLate_PollsOn) {
  Patience patience(kAfter);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(patience.limit(), kAfter);
    patience.paid(10us);
    patience.paid(10us);
    patience.slept(kAfter);
  }
}

TEST(Patience, OnePacketInThreeIsEarlyEnough_SleepsAtOnceMostly) {
  Patience patience(kAfter);
  int polled = 0;
  for (int i = 0; i < 3000; ++i) {
    const bool polls = patience.limit() > Micros{};
    polled += polls;
    if (polls && i % 3 == 0)
      patience.paid(10us);
    else
      patience.slept(patience.limit());
  }
  EXPECT_LT(polled, 300);
}

TEST(Patience, GivenUp_IsTriedNowAndThenAndComesBackWherePollingPays) {
  Patience patience(kAfter);
  give_up(patience);
  const int sleeps = sleeps_until_it_polls(patience);
  EXPECT_GE(sleeps, 16);
  EXPECT_LE(sleeps, 256);
  patience.paid(25us);
  EXPECT_EQ(patience.limit(), kAfter);
}

TEST(Patience, TriedInVain_SleepsAtOnceAgain) {
  Patience patience(kAfter);
  give_up(patience);
  ASSERT_LE(sleeps_until_it_polls(patience), 256);
  patience.slept(kAfter);
  EXPECT_EQ(patience.limit(), 0us);
}

TEST(Patience, LongBusyness_IsForgottenSoon) {
  Patience patience(kAfter);
  for (int i = 0; i < 1'000'000; ++i) patience.paid(1us);
  int in_vain = 0;
  for (; patience.limit() > Micros{}; ++in_vain) patience.slept(patience.limit());
  EXPECT_LE(in_vain, 8);
}

}  // namespace
}  // namespace millrace::dpdk
