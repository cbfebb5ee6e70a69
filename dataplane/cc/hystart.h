// HyStart++ (RFC 9406): a connection's first slow start ends when round trips grow longer, before the queue that
// makes them longer is full. For an unpaced sender (L = 8). Plain state; neighbour: cubic.h, which uses it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cc/window.h"

namespace millrace::cc {

class HyStart {
 public:
  // RFC 9406 §4.3.
  static constexpr uint32_t kMinRttThreshUs = 4'000;
  static constexpr uint32_t kMaxRttThreshUs = 16'000;
  static constexpr uint32_t kMinRttDivisor = 8;
  static constexpr uint8_t kRttSamples = 8;
  static constexpr Bytes kCssGrowthDivisor = 4;
  static constexpr uint8_t kCssRounds = 5;
  static constexpr Bytes kLimit = 8;  // L: segments an acknowledgement

  // By how much the window grows. Round trips are measured by when segments were sent, with timestamps or
  // without.
  Bytes on_ack(const Ack& ack, Bytes smss) {
    if (!round_) begin_round(ack.snd_nxt);
    const Bytes growth = std::min(ack.acked, kLimit * smss) / (css_ ? kCssGrowthDivisor : 1);
    if (ack.rtt != Micros{}) sample(static_cast<uint32_t>(std::clamp<int64_t>(ack.rtt.count(), 1, kNone - 1)));
    if (ack.ack.after_or_at(window_end_)) {
      if (css_) ++css_rounds_;  // the one in which CSS began counts too
      begin_round(ack.snd_nxt);
    }
    return growth;
  }
  bool in_css() const { return css_; }
  // Congestion avoidance begins: ssthresh is the window as it is.
  bool done() const { return css_rounds_ >= kCssRounds; }

 private:
  static constexpr uint32_t kNone = 0xffff'ffff;

  void begin_round(Seq snd_nxt) {
    round_ = true;
    window_end_ = snd_nxt;
    last_min_us_ = current_min_us_;
    current_min_us_ = kNone;
    samples_ = 0;
  }
  void sample(uint32_t rtt_us) {
    current_min_us_ = std::min(current_min_us_, rtt_us);
    if (samples_ < kRttSamples) ++samples_;
    if (samples_ < kRttSamples) return;
    if (!css_) {
      if (last_min_us_ == kNone) return;
      const uint32_t thresh = std::clamp(last_min_us_ / kMinRttDivisor, kMinRttThreshUs, kMaxRttThreshUs);
      if (current_min_us_ < uint64_t{last_min_us_} + thresh) return;
      css_ = true;
      css_rounds_ = 0;
      css_baseline_us_ = current_min_us_;
    } else if (current_min_us_ < css_baseline_us_) {  // it was jitter: slow start goes on
      css_ = false;
      css_rounds_ = 0;
    }
  }

  uint32_t last_min_us_ = kNone;     // lastRoundMinRTT
  uint32_t current_min_us_ = kNone;  // currentRoundMinRTT
  uint32_t css_baseline_us_ = kNone;
  Seq window_end_;
  uint8_t samples_ = 0;     // rttSampleCount, as far as it matters
  uint8_t css_rounds_ = 0;
  bool css_ = false;        // conservative slow start
  bool round_ = false;      // a round has begun
};
static_assert(sizeof(HyStart) == 20);

}  // namespace millrace::cc
