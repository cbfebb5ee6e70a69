#include "dpdk/idle.h"

#include <rte_cpuflags.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_power_intrinsics.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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

Idle::Idle(Doorbell& doorbell)
    : doorbell_(doorbell), patience_(params_.after), pauses_by_instruction_(has_pause_instruction()) {}

Idle::~Idle() {
  if (ready_ >= 0) close(ready_);
}

void Idle::use(const IdleParams& params) {
  params_ = params;
  patience_ = Patience(params.after);
  params_.rx.announced &= doorbell_.descriptor() >= 0;
  if (params_.mode != IdleMode::Sleep) return;
  if (ready_ < 0) ready_ = epoll_create1(EPOLL_CLOEXEC);
  watch(doorbell_.descriptor());
  watch(params_.rx.descriptor);
}

void Idle::watch(int descriptor) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
  if (descriptor >= 0) epoll_ctl(ready_, EPOLL_CTL_ADD, descriptor, &event);
}

bool Idle::due(Instant now) {
  if (params_.mode == IdleMode::Poll) return false;
  if (rest_ == Rest::None) {
    rest_ = Rest::Polls;
    waits_ = pauses() ? params_.after : patience_.limit();
  }
  if (woken_) {  // the driver may find a moment later what woke us
    last_work_ = now;
    waits_ = params_.after;
    woken_ = false;
  }
  return now - last_work_ >= waits_;
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
  if (rest_ == Rest::Polls) patience_.slept(waits_);
  rest_ = Rest::Sleeps;
  woken_ = wait(limit);
  sleeps_.add();
}

bool Idle::wait(Micros limit) {
  // The kernel may delay a thread's time-outs by 50 us, unless told.
  [[maybe_unused]] thread_local const int told = prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const bool was_deaf = std::exchange(deaf_, false);
  std::array<epoll_event, 2> events;
  const timespec time{.tv_sec = limit.count() / 1'000'000, .tv_nsec = limit.count() % 1'000'000 * 1000};
  const int count = epoll_pwait2(ready_, events.data(), events.size(), &time, nullptr);
  if (was_deaf) watch(params_.rx.descriptor);
  bool packets = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == doorbell_.descriptor())
      doorbell_.silence();
    else if ((event.events & EPOLLIN) != 0)
      packets = true;
    else
      note_error();
  }
  return packets;
}

// The interface is down, or has gone. A socket tells of it until it is asked.
void Idle::note_error() {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(params_.rx.descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
  epoll_ctl(ready_, EPOLL_CTL_DEL, params_.rx.descriptor, nullptr);
  deaf_ = true;
}

}  // namespace millrace::dpdk
