// CUBIC (RFC 9438), with HyStart++ (RFC 9406) for the first slow start. Integers throughout: octets, and
// milliseconds for the cubic function. Plain state beside the window that controller.h holds; HyStart's is gone
// when the cubic function's begins, so they share their room. Neighbours: hystart.h, newreno.h.
#pragma once

#include <cstdint>

#include "cc/hystart.h"
#include "cc/window.h"

namespace millrace::cc {

class Cubic {
 public:
  // beta_cubic, as 7 / 10 (RFC 9438 §4.6).
  static constexpr uint64_t kBetaTenths = 7;

  Cubic() : start_() {}

  // Takes over `window`, whatever it has been through.
  void open(Window& window);
  // In slow start not if that is app-limited: controller.h.
  void on_ack(Window& window, const Ack& ack);
  // RFC 9438 §4.6 and §4.7: sets ssthresh, and remembers the window for the way back.
  void on_congestion(Window& window, Bytes in_flight);
  // RFC 9438 §4.8: what the window was tells nothing any more.
  void on_timeout(Window& window);
  // The window is taken back to what it was at the start (RFC 5681 §4.1).
  void on_idle_restart(Window& window);

  // W_cubic, `elapsed_ms` after the inflection point (before it, if negative), in octets.
  static Bytes w_cubic(Bytes w_max, Bytes smss, int64_t elapsed_ms);
  // K of RFC 9438 §4.2 in milliseconds, for `below` octets that the window lacks of W_max.
  static uint32_t k_ms(Bytes below, Bytes smss);

 private:
  // Window::stage.
  enum Stage : uint8_t {
    kFirst,         // the first slow start: HyStart++
    kAfterTimeout,  // slow start; W_max will be the window in which it ends
    kReduced,       // a congestion event: the next congestion avoidance begins a stage (t = 0)
    kEpoch,         // congestion avoidance
  };
  static constexpr uint8_t kStages = 3;
  static constexpr uint8_t kConverged = 4;  // beside the stage: W_max is less than cwnd_prior (§4.7)

  static Stage stage_of(const Window& window) { return static_cast<Stage>(window.stage & kStages); }
  static void set_stage(Window& window, Stage stage) {
    window.stage = static_cast<uint8_t>((window.stage & kConverged) | stage);
  }

  void slow_start(Window& window, const Ack& ack);
  void leave_first(Window& window);
  void begin_epoch(Window& window, uint32_t now_ms);
  void pass_over(const Ack& ack, uint32_t now_ms);
  void grow_estimate(const Window& window, Bytes acked);

  struct Avoidance {
    Bytes w_max = 0;         // 0: undefined
    uint32_t origin_ms = 0;  // when W_cubic is W_max: the stage's beginning + K
    uint32_t last_ms = 0;    // the last acknowledgement
    Bytes w_est = 0;         // Reno's window in our place (§4.3)
    Bytes est_acked = 0;     // octets acknowledged since that grew
    Bytes rest = 0;          // of the last increase's division
  };
  union {
    HyStart start_;
    Avoidance avoid_;
  };
};
static_assert(sizeof(Cubic) == 24);

}  // namespace millrace::cc
