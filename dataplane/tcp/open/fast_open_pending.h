// How many connections of a listener were opened by Fast Open and have not ended their handshake:
// PendingFastOpenRequests of RFC 7413 §4.2, bounded. One that was reset meanwhile counts for a while yet, or
// the RSTs that a flood of SYNs with forged sources provokes would make room for more of it (§5.1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/time.h"

namespace millrace::tcp {

class FastOpenPending {
 public:
  static constexpr Micros kResetHold = 60s;

  explicit FastOpenPending(uint32_t limit = 0) { set_limit(limit); }

  // 0: Fast Open is off (FastOpenEnabled of §4.2). A limit below what is pending admits nothing until that
  // has gone.
  void set_limit(uint32_t limit) {
    std::vector<Instant> held(std::max(limit, held_));
    for (uint32_t i = 0; i < held_; ++i) held[i] = reset_[place(i)];
    reset_ = std::move(held);
    first_ = 0;
    limit_ = limit;
  }
  uint32_t limit() const { return limit_; }
  bool enabled() const { return limit_ != 0; }
  uint32_t pending() const { return pending_; }
  uint32_t held() const { return held_; }

  // Whether one more may be opened now.
  bool has_room(Instant now) {
    while (held_ != 0 && reset_[first_] + kResetHold <= now) {
      first_ = place(1);
      --held_;
    }
    return pending_ + held_ < limit_;
  }
  // One more has been opened; there was room.
  void open() { ++pending_; }
  // Its handshake has ended well, or it was given up by ourselves.
  void close() {
    MILLRACE_CHECK(pending_ != 0);
    --pending_;
  }
  // The peer has reset it.
  void reset(Instant now) {
    close();
    if (held_ >= reset_.size()) return;  // the limit was lowered since
    reset_[place(held_)] = now;
    ++held_;
  }

 private:
  uint32_t place(uint32_t i) const {
    const auto at = static_cast<uint64_t>(first_) + i;
    return static_cast<uint32_t>(at < reset_.size() ? at : at - reset_.size());
  }

  uint32_t limit_ = 0;
  uint32_t pending_ = 0;
  std::vector<Instant> reset_;  // a ring: when those that still count were reset
  uint32_t first_ = 0;
  uint32_t held_ = 0;
};

}  // namespace millrace::tcp
