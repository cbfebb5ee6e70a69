// Virtual time: it stands still until the world moves it. Neighbour: world.h, its only writer.
#pragma once

#include "base/check.h"
#include "base/time.h"

namespace millrace::sim {

// Not zero, so that an instant that nobody set can be told from the beginning.
inline constexpr Instant kBeginning{Micros{1'000'000'000}};
// The time of day then.
inline constexpr WallTime kWallBeginning{std::chrono::sys_days{std::chrono::year(2026) / 1 / 1}};

class VirtualClock {
 public:
  Instant now() const { return now_; }
  WallTime wall() const {
    return kWallBeginning + std::chrono::duration_cast<WallTime::duration>(now_ - kBeginning);
  }
  void advance_to(Instant to) {
    MILLRACE_CHECK(to >= now_ && to != kNever);
    now_ = to;
  }

 private:
  Instant now_ = kBeginning;
};

}  // namespace millrace::sim
