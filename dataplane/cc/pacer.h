// When segments may leave, so that they do at a rate (RFC 9002 §7.7): in bursts of a bounded quantum, each when what
// left before it has had its time. Plain state; a burst is what leaves at one instant. Neighbours: controller.h
// has the rate, tcp/transfer/pacing.h the timer.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "base/units.h"

namespace millrace::cc {

class Pacer {
 public:
  // A timer can be kept for each of these.
  static constexpr Micros kQuantumTime = 256us;
  static constexpr Bytes kMostQuantum = 65'536;
  // A timer may be so late: where the quantum takes less the rate would not be kept.
  static constexpr Micros kLateness = 128us;

  // What leaves at once at `rate` octets a second: as little as the timer can keep apart, two segments at least (one
  // acknowledgement's worth).
  static Bytes quantum(uint64_t rate, Bytes smss) {
    const uint64_t octets = rate / 1'000'000 * static_cast<uint64_t>(kQuantumTime.count());
    return std::max(static_cast<Bytes>(std::min<uint64_t>(octets, kMostQuantum)), 2 * smss);
  }

  bool may_leave(Instant now) {
    const bool may = now >= next_at_ || (now == burst_at_ && burst_ < quantum_);
    waited_ |= !may;
    return may;
  }
  // When may_leave() becomes true, unless it is.
  Instant next_at() const { return next_at_; }

  // `octets` leave now. For a burst that had to wait and comes late, as timers do, a quantum's time or the timer's
  // lateness is made up for, and no more.
  void sent(Bytes octets, Instant now, uint64_t rate, Bytes smss) {
    rate = std::max<uint64_t>(rate, 1);
    if (now != burst_at_) {
      burst_at_ = now;
      burst_ = 0;
      quantum_ = quantum(rate, smss);
      const Instant earliest = waited_ ? now - std::max(time_of(quantum_, rate), kLateness) : now;
      waited_ = false;
      if (next_at_ < earliest) next_at_ = earliest, rest_ = 0;
    }
    burst_ += octets;
    const uint64_t due = uint64_t{octets} * 1'000'000 + std::min(rest_, rate);
    rest_ = due % rate;
    next_at_ += Micros(static_cast<int64_t>(due / rate));
  }

 private:
  static Micros time_of(Bytes octets, uint64_t rate) {
    return Micros(static_cast<int64_t>(uint64_t{octets} * 1'000'000 / rate));
  }

  Instant next_at_{};
  Instant burst_at_ = kNever;
  Bytes burst_ = 0;    // octets that left at burst_at_
  Bytes quantum_ = 0;  // of it
  uint64_t rest_ = 0;  // of the last division
  bool waited_ = false;
};

}  // namespace millrace::cc
