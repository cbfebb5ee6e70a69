// NewReno congestion control: RFC 5681 §3.1 and §3.2. Plain state beside the window that controller.h holds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cc/window.h"

namespace millrace::cc {

class NewReno {
 public:
  // RFC 5681 §3.1, with appropriate byte counting (RFC 3465 §2.2, §2.3): L is 2, and 1 after a time-out, where one
  // acknowledgement may tell of many segments that had arrived long before.
  void on_ack(Window& window, const Ack& ack) {
    if (window.slow_start()) {
      window.grow(std::min(ack.acked, window.segments(window.stage == kAfterTimeout ? 1 : 2)));
      return;
    }
    window.stage = 0;
    avoided_ += ack.acked;
    if (avoided_ >= window.cwnd) {  // a full-sized segment a round trip
      avoided_ -= window.cwnd;
      window.grow(window.smss);
    }
  }
  // RFC 5681 §3.1 equation (4): for loss, a time-out or an ECN echo alike.
  void on_congestion(Window& window, Bytes in_flight) {
    window.ssthresh = std::max(in_flight / 2, window.segments(2));
    avoided_ = 0;
  }
  void on_timeout(Window& window) {
    window.stage = kAfterTimeout;
    avoided_ = 0;
  }

 private:
  static constexpr uint8_t kAfterTimeout = 1;  // slow start up to ssthresh

  Bytes avoided_ = 0;  // octets acknowledged since the last increase in congestion avoidance
};

}  // namespace millrace::cc
