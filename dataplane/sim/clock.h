// Virtual time: it stands still until the world moves it. Neighbour: world.h, its only writer.
#pragma once

#include "base/check.h"
#include "base/time.h"

namespace millrace::sim {

// Not zero, so that an instant that nobody set can be told from the beginning.
inline constexpr Instant kBeginning{Micros{1'000'000'000}};

class VirtualClock {
 public:
  Instant now() const { return now_; }
  void advance_to(Instant to) {
    MILLRACE_CHECK(to >= now_ && to != kNever);
    now_ = to;
  }

 private:
  Instant now_ = kBeginning;
};

}  // namespace millrace::sim
