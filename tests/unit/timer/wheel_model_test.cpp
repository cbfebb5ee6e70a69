// Random runs of the wheel against a sorted multimap of deadlines, callbacks that start and cancel included.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "timer/wheel.h"

namespace millrace::timer {
namespace {

struct Timer : Node {
  bool expected = false;
  Instant due{};       // when the model expects it to fire
  uint64_t round = 0;  // the advance() during which it was started, if any
  std::multimap<Instant, size_t>::iterator place;
};

class Play {
 public:
  Play(uint64_t seed, size_t timers, Micros tick)
      : random_(seed),
        tick_(tick),
        now_(Micros(static_cast<int64_t>(random_() % 1'000'000'000'000))),
        wheel_(now_, tick),
        timers_(timers) {}

  void rounds(int count, bool budgeted) {
    for (int i = 0; i < count && !testing::Test::HasFatalFailure(); ++i) {
      for (uint64_t changes = random_() % 20; changes > 0; --changes) change();
      check_next_deadline();
      step(budgeted);
      ASSERT_EQ(wheel_.armed(), model_.size());
    }
    for (Timer& timer : timers_) wheel_.cancel(timer);
    ASSERT_EQ(wheel_.armed(), 0U);
    ASSERT_EQ(wheel_.next_deadline(), kNever);
  }

 private:
  // Lengths of every magnitude, from less than a tick to weeks.
  Micros length() {
    const auto length = static_cast<int64_t>(random_() >> (23 + random_() % 41));
    return random_() % 8 == 0 ? Micros(-length) : Micros(length);
  }

  void change() {
    Timer& timer = timers_[random_() % timers_.size()];
    if (random_() % 4 == 0) {
      wheel_.cancel(timer);
      forget(timer);
    } else {
      start(timer, now_ + length());
    }
    ASSERT_EQ(timer.armed(), timer.expected);
  }

  void start(Timer& timer, Instant deadline) {
    forget(timer);
    wheel_.start(timer, deadline);
    ASSERT_EQ(timer.deadline(), deadline);
    timer.expected = true;
    timer.round = round_;
    timer.due = deadline <= now_ ? now_ : rounded_up(deadline);
    timer.place = model_.emplace(timer.due, static_cast<size_t>(&timer - timers_.data()));
  }

  void forget(Timer& timer) {
    if (timer.expected) model_.erase(timer.place);
    timer.expected = false;
  }

  Instant rounded_up(Instant deadline) const {
    const int64_t ticks = (deadline.time_since_epoch() + tick_ - 1us) / tick_;
    return Instant(ticks * tick_);
  }

  void check_next_deadline() {
    const Instant next = wheel_.next_deadline();
    ASSERT_EQ(next == kNever, model_.empty());
    ASSERT_GE(next, now_);
    if (!model_.empty()) {
      ASSERT_LE(next, std::max(now_, model_.begin()->first));
    }
  }

  void step(bool budgeted) {
    Micros back = 0us;
    switch (random_() % 8) {
      case 0:
        back = Micros(static_cast<int64_t>(random_() % 10'000'000));  // then time stands still
        break;
      case 1:
        now_ = std::min(std::max(now_, wheel_.next_deadline()), now_ + 86400s);
        break;
      case 2:
        now_ += 1s * static_cast<int64_t>(random_() % 10'000);
        break;
      case 3:
        now_ += tick_ * static_cast<int64_t>(random_() % 64);
        break;
      default:
        now_ += Micros(static_cast<int64_t>(random_() % 5000));
        break;
    }
    ++round_;
    const size_t budget = budgeted ? random_() % 8 : Wheel::kUnlimited;
    size_t calls = 0;
    const size_t fired = wheel_.advance(
        now_ - back,
        [&](Node& node) {
          ++calls;
          on_expired(node);
        },
        budget);
    ASSERT_EQ(fired, calls);
    ASSERT_LE(fired, budget);
    for (auto it = model_.begin(); it != model_.end() && it->first <= now_; ++it) {
      if (timers_[it->second].round == round_) continue;
      ASSERT_TRUE(budgeted) << "a timer is late";
      ASSERT_LE(wheel_.next_deadline(), now_);
    }
  }

  void on_expired(Node& node) {
    Timer& timer = static_cast<Timer&>(node);
    ASSERT_TRUE(timer.expected);
    ASSERT_FALSE(node.armed());
    ASSERT_LE(timer.due, now_) << "early";
    ASSERT_NE(timer.round, round_) << "fires in the advance that started it";
    forget(timer);
    while (random_() % 3 == 0) change();
    if (random_() % 4 == 0) start(timer, now_ + length());
  }

  std::mt19937_64 random_;
  Micros tick_;
  Instant now_;
  Wheel wheel_;
  uint64_t round_ = 0;
  std::vector<Timer> timers_;
  std::multimap<Instant, size_t> model_;
};

TEST(WheelModel, RandomRuns_FireWhatTheModelFires) {
  for (uint64_t seed = 1; seed <= 60 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Play(seed, 1 + seed * 5, 1024us).rounds(1000, false);
  }
}

TEST(WheelModel, RandomRunsWithAFineTick_FireWhatTheModelFires) {
  for (uint64_t seed = 100; seed <= 120 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Play(seed, 100, 1us).rounds(1000, false);
  }
}

TEST(WheelModel, RandomRunsOnABudget_FireNothingEarlyAndLoseNothing) {
  for (uint64_t seed = 200; seed <= 240 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Play(seed, 200, 1024us).rounds(1000, true);
  }
}

}  // namespace
}  // namespace millrace::timer
