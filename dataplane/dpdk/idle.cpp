#include "dpdk/idle.h"

#include <poll.h>
#include <rte_cpuflags.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_power_intrinsics.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace millrace::dpdk {

namespace {

// No timer notices a microsecond.
constexpr uint64_t kPausesASecond = 1'000'000;
constexpr int kSpins = 16;  // of about 40 cycles and more, where the CPU has no instruction for it

// TPAUSE, WFET.
bool has_pause_instruction() {
  rte_cpu_intrinsics intrinsics{};
  rte_cpu_get_intrinsics_support(&intrinsics);
  return intrinsics.power_pause != 0;
}

}  // namespace

Idle::Idle(Doorbell& doorbell) : doorbell_(doorbell), pauses_by_instruction_(has_pause_instruction()) {}

void Idle::use(const IdleParams& params) {
  params_ = params;
  params_.rx.announced &= doorbell_.descriptor() >= 0;
}

bool Idle::due(Instant now) {
  if (params_.mode == IdleMode::Poll) return false;
  if (woken_) last_work_ = now;
  woken_ = false;
  return now - last_work_ >= params_.after;
}

void Idle::pause() const {
  if (pauses_by_instruction_ && rte_power_pause(rte_rdtsc() + rte_get_tsc_hz() / kPausesASecond) == 0) return;
  for (int i = 0; i < kSpins; ++i) rte_pause();
}

void Idle::sleep(Micros limit, bool waits) {
  limit = std::min(limit, kLongestSleep);
  if (waits) {
    limit = std::min(limit, kShortestNap);
  } else if (!params_.rx.announced || deaf_) {
    // Longer and longer, so that what comes soon after the last packet finds a loop that is awake.
    nap_ = std::min(nap_, params_.nap);
    limit = std::min(limit, nap_);
    nap_ *= 2;
  }
  if (limit <= Micros{}) return;
  woken_ = wait(limit);
  sleeps_.add();
}

bool Idle::wait(Micros limit) {
  // The kernel may delay a thread's time-outs by 50 us, unless told.
  [[maybe_unused]] thread_local const int told = prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const int rx = std::exchange(deaf_, false) ? -1 : params_.rx.descriptor;
  std::array<pollfd, 2> ready{pollfd{.fd = doorbell_.descriptor(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = rx, .events = POLLIN, .revents = 0}};
  const timespec time{.tv_sec = limit.count() / 1'000'000, .tv_nsec = limit.count() % 1'000'000 * 1000};
  if (ppoll(ready.data(), ready.size(), &time, nullptr) <= 0) return false;
  if (ready[0].revents != 0) doorbell_.silence();
  if ((ready[1].revents & POLLIN) != 0) return true;
  if (ready[1].revents != 0) note_error();
  return false;
}

// The interface is down, or has gone. A socket tells of it until it is asked.
void Idle::note_error() {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(params_.rx.descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
  deaf_ = true;
}

}  // namespace millrace::dpdk
