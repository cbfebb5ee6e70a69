// The loop. One Lcore runs one shard on one CPU: it takes what has arrived, lets the shard work, and sends.
// Neighbours: rx.h and tx.h (the port's queues), clock.h, mailbox.h (the control thread's way in), idle.h.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/packet.h"
#include "dpdk/clock.h"
#include "dpdk/doorbell.h"
#include "dpdk/handover.h"
#include "dpdk/idle.h"
#include "dpdk/mailbox.h"
#include "dpdk/result.h"
#include "dpdk/rx.h"
#include "dpdk/tx.h"
#include "shard/shard.h"

namespace millrace::dpdk {

class Lcore {
 public:
  // `shard` outlives the lcore and is its own from launch() to join(). `clock` gave the shard's first
  // instant. `doorbell` outlives the lcore too.
  // `handover` is the shard's door to others; null: it is alone.
  Lcore(unsigned id, uint16_t burst, Clock clock, RxQueue rx, TxQueue tx, shard::Shard& shard,
        Doorbell& doorbell, Handover* handover = nullptr);
  Lcore(const Lcore&) = delete;
  Lcore& operator=(const Lcore&) = delete;
  ~Lcore();

  // Starts the loop on EAL's lcore `id`.
  Status launch(const IdleParams& idle = {});
  // Ends the loop after the current iteration; returns at once.
  void request_stop() {
    stop_.store(true, std::memory_order_relaxed);
    doorbell_.ring();
  }
  void join();
  uint64_t sleeps() const { return idle_.sleeps(); }
  // Between launch() and the loop's end.
  bool running() const { return running_.load(std::memory_order_acquire); }
  // False: too many commands are under way.
  bool post(Command command);
  // Destroys the commands that have run.
  void collect() { mailbox_.collect(); }

 private:
  // A command may copy 64 rows: that is enough between two bursts.
  static constexpr size_t kCommandsAnIteration = 1;
  static constexpr size_t kNoticesAnIteration = 64;

  void loop();
  // One turn. True: there was something to do.
  bool iterate();
  // What other lcores have for this one. True: there was something.
  bool receive_from_others(Instant now);
  // After a while without work.
  [[gnu::noinline]] void rest();
  bool quiet() const;

  unsigned id_;
  Clock clock_;
  RxQueue rx_;
  TxQueue tx_;
  shard::Shard& shard_;
  Doorbell& doorbell_;
  Idle idle_;
  Handover* handover_;
  PacketBatch out_;
  PacketBatch nothing_{0};  // full from the start
  Instant expired_at_{};    // of the last iteration
  bool busy_ = false;       // likewise
  Mailbox mailbox_;
  bool launched_ = false;
  std::atomic<bool> stop_{false};     // written by the control thread
  std::atomic<bool> running_{false};  // written by the lcore
};

}  // namespace millrace::dpdk
