// The instants at which an open loop intends to act: evenly spaced, whatever has become of those before.
// Latency counted from them shows what a stalled server did to everybody who would have come meanwhile.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace millrace::services::load {

class Pacer {
 public:
  // `rate` a second, at least 1.
  explicit Pacer(uint64_t rate) : period_((uint64_t{1'000'000} << kShift) / rate) {}

  void start(Instant now) { start_ = now; }
  bool running() const { return start_ != kNever; }
  // The next intended instant; kNever before start().
  Instant next() const {
    return running() ? start_ + Micros(static_cast<int64_t>(elapsed_ >> kShift)) : kNever;
  }
  bool due(Instant now) const { return next() <= now; }
  Instant take() {
    const Instant intended = next();
    elapsed_ += period_;
    return intended;
  }

 private:
  // Fractions of a microsecond: twelve days fit, and a rate is off by less than one in a million.
  static constexpr unsigned kShift = 24;

  uint64_t period_;
  uint64_t elapsed_ = 0;
  Instant start_ = kNever;
};

}  // namespace millrace::services::load
