#include "tcp/close/challenge.h"

#include <gtest/gtest.h>

#include <map>

namespace millrace::tcp {
namespace {

TEST(AnswerLimit, TenInASecondAndTenInTheNext) {
  AnswerLimit limit;
  for (int64_t second = 100; second < 104; ++second) {
    const Instant start{Micros(1s) * second};
    unsigned taken = 0;
    for (int i = 0; i < 1000; ++i) taken += limit.take(start + i * 1ms) ? 1U : 0U;
    EXPECT_EQ(taken, AnswerLimit::kPerSecond);
  }
}

TEST(AnswerLimit, TheFirstInstantOfAll_IsNoException) {
  AnswerLimit limit;
  unsigned taken = 0;
  for (int i = 0; i < 100; ++i) taken += limit.take(Instant{}) ? 1U : 0U;
  EXPECT_EQ(taken, AnswerLimit::kPerSecond);
}

uint32_t drain(AnswerBudget& budget, Instant now, uint32_t per_second) {
  uint32_t taken = 0;
  while (budget.take(now, per_second)) ++taken;
  return taken;
}

// Every bound from half to one and a half times the configured one, none much oftener than another.
TEST(AnswerBudget, IsDrawnAnewEachSecond) {
  SeededEntropy entropy(7);
  AnswerBudget budget(entropy);
  std::map<uint32_t, int> seen;
  Instant now{1s};
  for (int i = 0; i < 11'000; ++i, now += 1s) ++seen[drain(budget, now, 10)];
  EXPECT_EQ(seen.begin()->first, 5U);
  EXPECT_EQ(seen.rbegin()->first, 15U);
  EXPECT_EQ(seen.size(), 11U);
  for (const auto& [bound, times] : seen) EXPECT_NEAR(times, 1000, 200) << bound;
}

TEST(AnswerBudget, IsNotRefilledWithinTheSecond) {
  SeededEntropy entropy(7);
  AnswerBudget budget(entropy);
  const Instant start{5s};
  EXPECT_GE(drain(budget, start, 100), 50U);
  EXPECT_FALSE(budget.take(start + 999'999us, 100));
  EXPECT_TRUE(budget.take(start + 1s, 100));
}

TEST(AnswerBudget, TheLargestBound_DoesNotOverflow) {
  SeededEntropy entropy(7);
  AnswerBudget budget(entropy);
  EXPECT_TRUE(budget.take(Instant{1s}, 1'000'000'000));
}

}  // namespace
}  // namespace millrace::tcp
