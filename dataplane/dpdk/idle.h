// What the loop does while there is nothing to do: it polls on, pauses the CPU, or sleeps until the device,
// the doorbell or a deadline wakes it. Neighbours: lcore.h (who decides), port.h (what a device wakes by).
#pragma once

#include <cstdint>

#include "base/counters.h"
#include "base/time.h"
#include "dpdk/doorbell.h"
#include "dpdk/patience.h"

namespace millrace::dpdk {

enum class IdleMode : uint8_t { Poll, Pause, Sleep };

// How a receive queue wakes a loop that sleeps.
struct RxWake {
  int descriptor = -1;     // readable while packets wait; negative: none
  bool announced = false;  // no packet comes without the descriptor; otherwise sleeps are short
};

struct IdleParams {
  IdleMode mode = IdleMode::Poll;
  Micros after = 40us;  // since the last work; till then the loop polls, where that pays (patience.h)
  Micros nap = 1ms;     // the longest sleep where packets are not announced
  RxWake rx{};
};

class Idle {
 public:
  // No sleep is longer: whoever takes a driver apart waits for the loop to come by (gate.h).
  static constexpr Micros kLongestSleep = 100ms;

  // Polls for ever, until told. `doorbell` outlives it.
  explicit Idle(Doorbell& doorbell);
  ~Idle();
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;
  void use(const IdleParams& params);

  void worked(Instant now) {
    if (rest_ == Rest::Polls && waits_ > Micros{}) patience_.paid(now - last_work_);
    rest_ = Rest::None;
    woken_ = false;
    last_work_ = now;
    nap_ = kShortestNap;
  }
  // After an iteration without work: whether pause() or sleep() is due.
  bool due(Instant now);
  bool pauses() const { return params_.mode == IdleMode::Pause; }

  // About a microsecond.
  void pause() const;
  // Under a Doorbell::Rest, for `limit` at most. `waits`: for room in the device, which nothing announces.
  void sleep(Micros limit, bool waits);
  uint64_t sleeps() const { return sleeps_.value(); }  // any thread

 private:
  enum class Rest : uint8_t { None, Polls, Sleeps };  // since the last work

  static constexpr Micros kShortestNap = 50us;

  // True: woken by the device.
  bool wait(Micros limit);
  void watch(int descriptor);
  [[gnu::cold]] void note_error();

  IdleParams params_;
  Doorbell& doorbell_;
  Patience patience_;
  int ready_ = -1;  // an epoll of the doorbell and the device
  bool pauses_by_instruction_;
  bool woken_ = false;
  bool deaf_ = false;  // the descriptor has an error and no packet: it is left out once
  Counter sleeps_;
  Rest rest_ = Rest::None;
  Instant last_work_{};
  Micros waits_{};  // polls till so long after last_work_
  Micros nap_ = kShortestNap;
};

}  // namespace millrace::dpdk
