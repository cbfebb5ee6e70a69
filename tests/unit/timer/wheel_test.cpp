// The wheel's promises one by one; wheel_model_test.cpp tries them all at once.
#include "timer/wheel.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <random>
#include <vector>

namespace millrace::timer {
namespace {

constexpr Instant kStart = Instant(5s);
constexpr Micros kTick = 1024us;
constexpr Micros kHour = 3600s;

size_t advance(Wheel& wheel, Instant now) {
  return wheel.advance(now, [](Node&) {});
}

TEST(Wheel, NothingArmed_NeverDue) {
  Wheel wheel(kStart);
  EXPECT_EQ(wheel.armed(), 0U);
  EXPECT_EQ(wheel.next_deadline(), kNever);
  EXPECT_EQ(advance(wheel, kStart + kHour * 24 * 365), 0U);
}

TEST(Wheel, Deadline_FiresNotBeforeAndAtMostATickLate) {
  for (const Micros length : std::initializer_list<Micros>{1us, 1023us, 1024us, 1025us, 63ms, 64ms, 66ms,
                                                           4s + 7us, 300s, 7200s + 1us}) {
    Wheel wheel(kStart);
    Node node;
    wheel.start(node, kStart + length);
    EXPECT_EQ(advance(wheel, kStart + length - 1us), 0U) << length.count();
    EXPECT_TRUE(node.armed());
    EXPECT_EQ(advance(wheel, kStart + length + kTick), 1U) << length.count();
    EXPECT_FALSE(node.armed());
  }
}

TEST(Wheel, NextDeadlineFollowed_FiresAtMostATickLate) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const Instant start = kStart + Micros(static_cast<int64_t>(random() % 100'000'000'000));
    Wheel wheel(start);
    Node node;
    const Instant deadline = start + Micros(static_cast<int64_t>(random() >> (random() % 40 + 20)));
    wheel.start(node, deadline);
    int steps = 0;
    Instant now = start;
    while (node.armed()) {
      const Instant next = wheel.next_deadline();
      ASSERT_TRUE(next > now || deadline <= now);
      now = next;
      advance(wheel, now);
      ASSERT_LE(++steps, 12);
    }
    EXPECT_GE(now, deadline);
    EXPECT_LT(now, deadline + kTick);
  }
}

TEST(Wheel, DeadlineInThePast_FiresAtNextAdvance) {
  Wheel wheel(kStart);
  Node past;
  Node present;
  wheel.start(past, kStart - 1s);
  wheel.start(present, kStart);
  EXPECT_EQ(wheel.next_deadline(), kStart);
  EXPECT_EQ(advance(wheel, kStart), 2U);
}

TEST(Wheel, DeadlineWithinTheTickAlreadyReached_FiresAtNextAdvance) {
  Wheel wheel(kStart);
  advance(wheel, kStart + 500us);
  Node node;
  wheel.start(node, kStart + 400us);
  EXPECT_EQ(advance(wheel, kStart + 500us), 1U);
}

TEST(Wheel, DeadlineBeforeTheClocksZero_Fires) {
  Wheel wheel{Instant{}};
  Node node;
  wheel.start(node, Instant(-10s));
  EXPECT_EQ(advance(wheel, Instant{}), 1U);
}

TEST(Wheel, Never_IsNotArmed) {
  Wheel wheel(kStart);
  Node node;
  wheel.start(node, kNever);
  EXPECT_FALSE(node.armed());
  wheel.start(node, kStart + 1s);
  wheel.start(node, kNever);
  EXPECT_FALSE(node.armed());
  EXPECT_EQ(node.deadline(), kNever);
  EXPECT_EQ(wheel.armed(), 0U);
  EXPECT_EQ(advance(wheel, kStart + 2s), 0U);
}

TEST(Wheel, CenturiesAhead_WaitsAndFires) {
  Wheel wheel(kStart);
  Node century;
  Node almost_never;
  const Instant deadline = kStart + kHour * 24 * 365 * 200;
  wheel.start(century, deadline);
  wheel.start(almost_never, kNever - 1us);
  EXPECT_EQ(advance(wheel, deadline - 1us), 0U);
  EXPECT_EQ(advance(wheel, deadline + kTick), 1U);
  EXPECT_TRUE(almost_never.armed());
  EXPECT_LT(wheel.next_deadline(), kNever);
  EXPECT_GT(wheel.next_deadline(), kNever - 1s);
  wheel.cancel(almost_never);
}

TEST(Wheel, Cancelled_DoesNotFire) {
  Wheel wheel(kStart);
  Node node;
  wheel.cancel(node);
  wheel.start(node, kStart + 1s);
  wheel.cancel(node);
  wheel.cancel(node);
  EXPECT_EQ(wheel.next_deadline(), kNever);
  EXPECT_EQ(advance(wheel, kStart + 2s), 0U);
}

TEST(Wheel, Rearmed_FiresOnceAtTheNewDeadline) {
  Wheel wheel(kStart);
  Node node;
  for (const Micros length : std::initializer_list<Micros>{1s, 2s, 2s + 1us, 200ms, 0s, 3s})
    wheel.start(node, kStart + length);
  EXPECT_EQ(wheel.armed(), 1U);
  EXPECT_EQ(node.deadline(), kStart + 3s);
  EXPECT_EQ(advance(wheel, kStart + 3s - 1us), 0U);
  EXPECT_EQ(advance(wheel, kStart + 3s + kTick), 1U);
}

TEST(Wheel, RearmedWithinTheTickAfterItPassed_WaitsForTheNewDeadline) {
  Wheel wheel(kStart);
  advance(wheel, kStart + 500us);
  Node node;
  wheel.start(node, kStart + 400us);
  wheel.start(node, kStart + 700us);
  EXPECT_EQ(advance(wheel, kStart + 600us), 0U);
  EXPECT_EQ(advance(wheel, kStart + 2ms), 1U);
}

TEST(Wheel, DifferentTicks_FireInOrder) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(200);
  std::mt19937_64 random(2);
  for (Node& node : nodes) wheel.start(node, kStart + kTick * static_cast<int64_t>(1 + random() % 1'000'000));
  Instant last{};
  std::vector<Instant> deadlines(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) deadlines[i] = nodes[i].deadline();
  wheel.advance(kStart + 2000s, [&](Node& node) {
    const Instant deadline = deadlines[static_cast<size_t>(&node - nodes.data())];
    EXPECT_LE(last, deadline);
    last = deadline;
  });
  EXPECT_EQ(wheel.armed(), 0U);
}

TEST(Wheel, SameTick_FiresInOrderOfStart) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(10);
  for (Node& node : nodes) wheel.start(node, kStart + 10ms);
  size_t next = 0;
  wheel.advance(kStart + 1s, [&](Node& node) { EXPECT_EQ(&node, &nodes[next++]); });
  EXPECT_EQ(next, nodes.size());
}

TEST(Wheel, CallbackRearmsItselfInThePast_FiresOnceAnAdvance) {
  Wheel wheel(kStart);
  Node node;
  wheel.start(node, kStart);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(wheel.advance(kStart + 1ms * i, [&](Node& expired) { wheel.start(expired, kStart); }), 1U);
  wheel.cancel(node);
}

TEST(Wheel, CallbackCancelsANodeDueAtTheSameTime_ItDoesNotFire) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(3);
  for (Node& node : nodes) wheel.start(node, kStart + 1ms);
  std::vector<Node*> fired;
  wheel.advance(kStart + 10ms, [&](Node& node) {
    fired.push_back(&node);
    wheel.cancel(nodes[1]);
  });
  EXPECT_EQ(fired, (std::vector<Node*>{&nodes[0], &nodes[2]}));
}

TEST(Wheel, CallbackDestroysItsNode_IsSafe) {
  Wheel wheel(kStart);
  std::vector<std::unique_ptr<Node>> nodes(100);
  for (auto& node : nodes) {
    node = std::make_unique<Node>();
    wheel.start(*node, kStart + 1ms);
  }
  wheel.advance(kStart + 1s, [&](Node& expired) {
    for (auto& node : nodes)
      if (node.get() == &expired) node.reset();
  });
  for (const auto& node : nodes) EXPECT_EQ(node, nullptr);
}

TEST(Wheel, ClockStepsBack_NothingHappens) {
  Wheel wheel(kStart);
  Node node;
  wheel.start(node, kStart + 2s);
  advance(wheel, kStart + 1s);
  EXPECT_EQ(advance(wheel, kStart), 0U);
  EXPECT_EQ(advance(wheel, kStart + 2s + kTick), 1U);
}

TEST(Wheel, BudgetSpent_RestFollowsAndIsDueNow) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(1000);
  for (size_t i = 0; i < nodes.size(); ++i)
    wheel.start(nodes[i], kStart + 10ms * (1 + static_cast<int>(i % 50)));
  const Instant now = kStart + 10s;
  size_t fired = 0;
  size_t calls = 0;
  while (wheel.next_deadline() <= now) {
    fired += wheel.advance(
        now, [](Node&) {}, 16);
    ASSERT_LT(++calls, 1000U);
  }
  EXPECT_EQ(fired, nodes.size());
  EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(Wheel, NodesMovingDown_CountAgainstTheBudget) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(100);
  for (Node& node : nodes) wheel.start(node, kStart + 300s);
  const Instant down = wheel.next_deadline();
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(wheel.advance(
                  down, [](Node&) {}, 10),
              0U);
    EXPECT_EQ(wheel.next_deadline(), down) << "work is left over";
  }
  wheel.advance(
      down, [](Node&) {}, 10);
  EXPECT_GT(wheel.next_deadline(), down);
  for (Node& node : nodes) wheel.cancel(node);
}

TEST(Wheel, BudgetSpentWhileNodesMoveDown_NewAndCancelledNodesKeepTheirTimes) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(100);
  const Instant deadline = kStart + 300s;
  for (Node& node : nodes) wheel.start(node, deadline);
  Node other;
  for (Instant now = kStart; now < deadline; now += 50ms) {
    ASSERT_EQ(wheel.advance(
                  now, [](Node&) {}, 3),
              0U);
    wheel.start(other, now + 1s);
    wheel.start(nodes[7], deadline - 1us);
  }
  wheel.cancel(nodes[8]);
  wheel.cancel(other);
  EXPECT_EQ(advance(wheel, deadline + kTick), 99U);
}

TEST(Wheel, HoursAtOnceWithManyTimers_FiresEachOnce) {
  Wheel wheel(kStart);
  std::vector<Node> nodes(100'000);
  std::mt19937_64 random(3);
  for (Node& node : nodes)
    wheel.start(node, kStart + Micros(static_cast<int64_t>(random() % 36'000'000'000)));
  EXPECT_EQ(wheel.armed(), nodes.size());
  EXPECT_EQ(advance(wheel, kStart + kHour * 10 + kTick), nodes.size());
  EXPECT_EQ(wheel.armed(), 0U);
}

TEST(Wheel, FineTick_IsKeptToTheMicrosecond) {
  Wheel wheel(kStart, 1us);
  Node node;
  wheel.start(node, kStart + 12'345us);
  EXPECT_EQ(advance(wheel, kStart + 12'344us), 0U);
  EXPECT_EQ(advance(wheel, kStart + 12'345us), 1U);
}

TEST(Wheel, TickThatIsNoPowerOfTwo_IsRoundedDown) { EXPECT_EQ(Wheel(kStart, 1000us).tick(), 512us); }

}  // namespace
}  // namespace millrace::timer
