// A rate limit: `rate` a second on average, a tenth of a second's worth at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace millrace {

class TokenBucket {
 public:
  explicit TokenBucket(uint32_t rate) { set_rate(rate), level_ = capacity_; }

  // 0: take() always fails.
  void set_rate(uint32_t rate) {
    rate_ = rate;
    capacity_ = rate == 0 ? 0 : std::max<int64_t>(rate / 10, 1) * kToken;
    level_ = std::min(level_, capacity_);
  }

  bool take(Instant now) {
    if (filled_ == Instant::min()) filled_ = now;
    if (now > filled_ && rate_ != 0) {
      // Beyond the time that fills the bucket the product would only overflow.
      const int64_t full_after = capacity_ / rate_ + 1;
      const int64_t elapsed = std::min<int64_t>((now - filled_).count(), full_after);
      level_ = std::min(capacity_, level_ + elapsed * rate_);
      filled_ = now;
    }
    if (level_ < kToken) return false;
    level_ -= kToken;
    return true;
  }

 private:
  static constexpr int64_t kToken = 1'000'000;  // micro-tokens: a microsecond brings `rate` of them
  int64_t rate_ = 0;
  int64_t capacity_ = 0;
  int64_t level_ = 0;
  Instant filled_ = Instant::min();
};

}  // namespace millrace
