// Between the loops that poll a port and whoever takes its driver apart under them: the control thread, which
// starts a device again, and DPDK's interrupt thread, which unmaps the memory of a memif peer that has gone.
// Neighbours: rx.h and tx.h (they pass), port.h (it shuts).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace millrace::dpdk {

class Gate {
  struct alignas(64) Slot {
    std::atomic<bool> taken{false};       // written by the control thread
    std::atomic<uint32_t> passed{kNone};  // written by the queue's lcore: the epoch that it has seen
  };

 public:
  // A queue's own. Made and ended by the control thread, used by one lcore.
  class Pass {
   public:
    explicit Pass(Gate& gate);
    ~Pass();
    Pass(Pass&& other) noexcept;
    Pass& operator=(Pass&&) = delete;

    // To be asked before every burst, and says that the last one is over. False: leave the driver alone.
    bool open() {
      const uint32_t epoch = gate_->epoch_.load(std::memory_order_acquire);
      slot_->passed.store(epoch, std::memory_order_release);
      return is_open(epoch);
    }

   private:
    Gate* gate_;
    Slot* slot_;
  };

  // Shut while it lives. Waits until no queue is inside, for so long at most; a queue whose loop does not run
  // counts as inside.
  class Shut {
   public:
    Shut(Gate& gate, std::chrono::milliseconds patience);
    ~Shut();
    Shut(const Shut&) = delete;
    Shut& operator=(const Shut&) = delete;
    // False: a loop did not come by in time.
    bool empty() const { return empty_; }

   private:
    Gate& gate_;
    bool empty_;
  };

 private:
  static constexpr size_t kQueues = 512;  // receive and transmit
  static constexpr uint32_t kNone = UINT32_MAX;

  static bool is_open(uint32_t epoch) { return (epoch & 1) == 0; }
  bool empty(uint32_t epoch) const;

  // Even: open. Rises when it is shut and when it opens; written under the lock of gate.cpp.
  std::atomic<uint32_t> epoch_{0};
  uint32_t shut_by_ = 0;  // how many hold it shut, under the same lock
  std::array<Slot, kQueues> slots_;
};

// Of a port by DPDK's number, for the life of the process.
Gate& gate_of(uint16_t port);

// From now on DPDK's interrupt thread unmaps nothing while a queue of the port is inside its driver.
void guard_unmapping(uint16_t port);
void leave_unmapping(uint16_t port);

}  // namespace millrace::dpdk
