// How an lcore that sleeps is woken: by the control thread's mailbox, by another lcore's hand-over, by an
// order to stop. Ringing costs a fence while the lcore is awake, and a system call only while it sleeps.
#pragma once

#include <atomic>

namespace millrace::dpdk {

class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Any thread, once it has put what the lcore shall find where the lcore will look.
  void ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_relaxed)) [[unlikely]]
      wake();
  }

  // ---- the lcore
  // While it lives the lcore may sleep. To be made before the last look at everything that is announced by
  // ring(): what came before is seen there, and what comes later rings.
  class Rest {
   public:
    explicit Rest(Doorbell& doorbell) : doorbell_(doorbell) {
      doorbell_.asleep_.store(true, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    ~Rest() { doorbell_.asleep_.store(false, std::memory_order_relaxed); }
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;

   private:
    Doorbell& doorbell_;
  };

  // Readable once somebody has rung. Negative: the system had none, and nobody may sleep for long.
  int descriptor() const { return descriptor_; }
  void silence();

 private:
  [[gnu::cold]] void wake() const;

  int descriptor_;
  std::atomic<bool> asleep_{false};  // written by the lcore
};

}  // namespace millrace::dpdk
