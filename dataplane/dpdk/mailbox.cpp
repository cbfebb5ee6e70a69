#include "dpdk/mailbox.h"

namespace millrace::dpdk {

bool Mailbox::post(Command command) {
  collect();
  const std::lock_guard lock(senders_);
  if (under_way_ == kCapacity) return false;
  ++under_way_;
  return in_.push(std::move(command));
}

void Mailbox::collect() {
  const std::lock_guard lock(senders_);
  while (ran_.pop()) --under_way_;
}

bool Mailbox::drain(shard::Shard& shard, size_t budget) {
  bool ran = false;
  for (; budget > 0; --budget) {
    std::optional<Command> command = in_.pop();
    if (!command) break;
    (*command)(shard);
    ran_.push(std::move(*command));
    ran = true;
  }
  return ran;
}

}  // namespace millrace::dpdk
