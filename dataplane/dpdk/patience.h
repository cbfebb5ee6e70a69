// How long the loop polls on after work before it sleeps. A wake-up costs CPU time and delay; polling pays
// where the next packet comes sooner than that, and is in vain where it does not: what it won and lost lately
// decides. Neighbour: idle.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace millrace::dpdk {

class Patience {
 public:
  // `after`: what a wake-up is worth in time of polling, and so the longest that is polled.
  explicit Patience(Micros after) : after_(after), won_(kMost * after) {}

  Micros limit() const { return won_ > Micros{} || sleeps_ == kProbe ? after_ : Micros{}; }

  // Work came while it polled, `gap` after the last work: a wake-up less.
  void paid(Micros gap) {
    won_ = std::clamp(won_ + after_ - gap, Micros{}, kMost * after_);
    sleeps_ = 0;
  }
  // It sleeps, after `polled` in vain. Every kProbe-th time it polls first, to see whether that would pay by
  // now.
  void slept(Micros polled) {
    won_ = std::max(won_ - polled, Micros{});
    sleeps_ = sleeps_ == kProbe ? 0 : sleeps_ + 1;
  }

 private:
  static constexpr int kMost = 2;  // so many times in vain, and it is given up
  static constexpr uint32_t kProbe = 64;

  Micros after_;
  Micros won_;
  uint32_t sleeps_ = 0;
};

}  // namespace millrace::dpdk
