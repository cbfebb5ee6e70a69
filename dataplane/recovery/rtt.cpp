#include "recovery/rtt.h"

namespace millrace::recovery {

void RttEstimator::sample(Micros rtt) {
  constexpr int64_t kLongest = 600'000'000;  // ten minutes: keeps 4 * RTTVAR within 32 bits
  const auto r = static_cast<uint32_t>(std::clamp<int64_t>(rtt.count(), 1, kLongest));
  // A path that has become longer shows after so many samples at the latest.
  constexpr uint16_t kLeastLifetime = 10'000;
  if (least_us_ == 0 || r <= least_us_ || ++least_age_ > kLeastLifetime) {
    least_us_ = r;
    least_age_ = 0;
  }
  if (srtt_us_ == 0) {  // RFC 6298 §2.2
    srtt_us_ = r;
    rttvar_us_ = r / 2;
    return;
  }
  // RFC 6298 §2.3: alpha = 1/8, beta = 1/4; RTTVAR first.
  const uint32_t error = srtt_us_ > r ? srtt_us_ - r : r - srtt_us_;
  rttvar_us_ = static_cast<uint32_t>((3ULL * rttvar_us_ + error) / 4);
  srtt_us_ = std::max<uint32_t>(1, static_cast<uint32_t>((7ULL * srtt_us_ + r) / 8));
}

}  // namespace millrace::recovery
