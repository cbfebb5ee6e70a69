#include "dpdk/lcore.h"

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <string>

namespace millrace::dpdk {

namespace {

// What one iteration may send: the answers to a burst and as much again of its own.
size_t batch_capacity(uint16_t burst) { return std::max<size_t>(64, size_t{4} * burst); }

}  // namespace

Lcore::Lcore(unsigned id, uint16_t burst, Clock clock, RxQueue rx, TxQueue tx, shard::Shard& shard,
             Doorbell& doorbell, Handover* handover)
    : id_(id),
      clock_(clock),
      rx_(std::move(rx)),
      tx_(std::move(tx)),
      shard_(shard),
      doorbell_(doorbell),
      idle_(doorbell),
      handover_(handover),
      out_(batch_capacity(burst)) {}

Lcore::~Lcore() {
  request_stop();
  join();
}

void Lcore::loop() {
  shard_.start(clock_.now(), out_);
  tx_.send(out_);
  Counters& counters = shard_.counters();
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool busy = iterate();
    counters.loop_iterations.add();
    if (busy) {
      counters.loop_busy_iterations.add();
      idle_.worked(expired_at_);
    } else if (idle_.due(expired_at_)) {
      rest();
    }
  }
}

bool Lcore::iterate() {
  const Instant now = clock_.now();
  // A busy iteration ends where the next begins: no rest comes between.
  if (busy_) shard_.counters().loop_time.record(static_cast<uint64_t>((now - expired_at_).count()));
  const std::span<Packet> burst = rx_.receive();
  bool busy = !burst.empty();

  shard_.receive(burst, now, out_);
  if (handover_ != nullptr) busy |= receive_from_others(now);
  // The clock has microseconds; an idle loop goes round more often.
  if (now != expired_at_) shard_.expire(expired_at_ = now, out_);
  busy |= mailbox_.drain(shard_, kCommandsAnIteration);
  shard_.run(now);
  shard_.transmit(now, tx_.blocked() ? nothing_ : out_);

  busy |= out_.size() != 0;
  tx_.send(out_);
  return busy_ = busy;
}

bool Lcore::receive_from_others(Instant now) {
  shard::Notice notice;
  size_t heard = 0;
  for (; heard < kNoticesAnIteration && handover_->hear(notice); ++heard) shard_.hear(notice, now, out_);
  const std::span<Packet> burst = rx_.receive(*handover_);
  shard_.receive_handed_over(burst, now, out_);
  for (uint64_t refused = handover_->flush(); refused > 0; --refused)
    shard_.counters().drop(DropReason::HandoverFull);
  return heard != 0 || !burst.empty();
}

// What wakes the loop: the device and the doorbell by descriptors, the shard's next deadline by time.
void Lcore::rest() {
  if (idle_.pauses()) return idle_.pause();
  const Doorbell::Rest asleep(doorbell_);
  if (!quiet()) return;
  const Instant deadline = shard_.next_deadline();
  const Micros limit = deadline == kNever ? Idle::kLongestSleep : deadline - clock_.now();
  idle_.sleep(limit, tx_.blocked() || shard_.busy());
}

bool Lcore::quiet() const {
  return mailbox_.empty() && (handover_ == nullptr || handover_->empty()) &&
         !stop_.load(std::memory_order_relaxed);
}

bool Lcore::post(Command command) {
  const bool posted = mailbox_.post(std::move(command));
  doorbell_.ring();
  return posted;
}

Status Lcore::launch(const IdleParams& idle) {
  idle_.use(idle);
  running_ = true;
  const auto entry = [](void* self) {
    auto* lcore = static_cast<Lcore*>(self);
    lcore->loop();
    lcore->running_.store(false, std::memory_order_release);
    return 0;
  };
  const int error = rte_eal_remote_launch(entry, this, id_);
  if (error != 0) {
    running_ = false;
    return Failure{"lcore " + std::to_string(id_) + " could not be started: " + rte_strerror(-error)};
  }
  launched_ = true;
  return done();
}

void Lcore::join() {
  if (launched_) rte_eal_wait_lcore(id_);
  launched_ = false;
  mailbox_.collect();
}

}  // namespace millrace::dpdk
