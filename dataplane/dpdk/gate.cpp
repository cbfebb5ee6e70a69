#include "dpdk/gate.h"

#include <rte_interrupts.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"

namespace millrace::dpdk {

namespace {

using SteadyClock = std::chrono::steady_clock;

// A loop that lost its CPU comes by within this, unless it has ended: then there is nobody to wait for.
constexpr std::chrono::milliseconds kUnmapPatience{500};

struct Gates {
  std::mutex mutex;
  std::map<uint16_t, std::unique_ptr<Gate>> by_port;
};

Gates& gates() {
  static Gates* const instance = new Gates;  // DPDK's threads may ask until the process ends
  return *instance;
}

// Of ports whose driver unmaps under its queues, the bits of their numbers.
std::atomic<uint64_t> guarded{0};

uint64_t bit_of(uint16_t port) { return uint64_t{1} << (port % 64); }

void let_queues_leave() {
  const uint64_t ports = guarded.load(std::memory_order_acquire);
  if (ports == 0 || rte_thread_is_intr() == 0) return;
  for (uint16_t port = 0; port < 64; ++port)
    if ((ports & bit_of(port)) != 0) Gate::Shut{gate_of(port), kUnmapPatience};
}

std::mutex& shutting() {
  static std::mutex* const instance = new std::mutex;
  return *instance;
}

}  // namespace

Gate::Pass::Pass(Gate& gate) : gate_(&gate), slot_(nullptr) {
  const std::lock_guard lock(shutting());
  const auto free = std::find_if(gate.slots_.begin(), gate.slots_.end(),
                                 [](const Slot& slot) { return !slot.taken.load(); });
  MILLRACE_CHECK(free != gate.slots_.end());
  slot_ = &*free;
  slot_->passed = kNone;
  slot_->taken = true;
}

Gate::Pass::Pass(Pass&& other) noexcept : gate_(other.gate_), slot_(std::exchange(other.slot_, nullptr)) {}

Gate::Pass::~Pass() {
  if (slot_ != nullptr) slot_->taken = false;
}

bool Gate::empty(uint32_t epoch) const {
  return std::all_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return !slot.taken.load() || slot.passed.load(std::memory_order_acquire) == epoch;
  });
}

Gate::Shut::Shut(Gate& gate, std::chrono::milliseconds patience) : gate_(gate), empty_(false) {
  uint32_t epoch = 0;
  {
    const std::lock_guard lock(shutting());
    if (gate.shut_by_++ == 0) ++gate.epoch_;
    epoch = gate.epoch_;
  }
  const SteadyClock::time_point deadline = SteadyClock::now() + patience;
  while (!(empty_ = gate.empty(epoch)) && SteadyClock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::microseconds(50));
}

Gate::Shut::~Shut() {
  const std::lock_guard lock(shutting());
  if (--gate_.shut_by_ == 0) ++gate_.epoch_;
}

Gate& gate_of(uint16_t port) {
  const std::lock_guard lock(gates().mutex);
  std::unique_ptr<Gate>& gate = gates().by_port[port];
  if (!gate) gate = std::make_unique<Gate>();
  return *gate;
}

void guard_unmapping(uint16_t port) { guarded |= bit_of(port); }
void leave_unmapping(uint16_t port) { guarded &= ~bit_of(port); }

}  // namespace millrace::dpdk

// In place of the C library's, for the drivers' calls of it: net_memif clears a flag and then unmaps its
// rings on DPDK's interrupt thread, without waiting for the lcores that have seen the flag set and are still
// inside a burst. Preempted there, they would touch what has gone.
extern "C" int munmap(void* address, size_t length) noexcept {
  millrace::dpdk::let_queues_leave();
  return static_cast<int>(syscall(SYS_munmap, address, length));
}
