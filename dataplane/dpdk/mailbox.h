// The way from the control thread to an lcore and back: commands that the loop runs between two bursts, a few
// an iteration, and hands back to be destroyed where they were made.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>

#include "base/ring.h"

namespace millrace::shard {
class Shard;
}

namespace millrace::dpdk {

// Owns all that it touches but the shard: it may run long after its asker has given up.
using Command = std::function<void(shard::Shard&)>;

class Mailbox {
 public:
  static constexpr size_t kCapacity = 64;

  // Any thread but the lcore. False: too many commands are under way.
  bool post(Command command);
  // Any thread but the lcore: destroys the commands that have run.
  void collect();

  // The lcore: whether nothing is to be run.
  bool empty() const { return in_.empty(); }
  // The lcore: runs at most `budget` commands. True when one ran.
  bool drain(shard::Shard& shard, size_t budget);

 private:
  std::mutex senders_;    // the senders' own; the lcore never takes it
  size_t under_way_ = 0;  // under senders_: what both rings hold, so that the way back is never full
  Ring<Command, kCapacity> in_;
  Ring<Command, kCapacity> ran_;
};

}  // namespace millrace::dpdk
