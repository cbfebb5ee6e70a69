// While payload memory is short: which connections hold it for peers that hardly take what is queued for
// them. The connections are walked a few an iteration and marked; after an interval they are walked again,
// and the slowest of all are the first to be given up, until there is room. Neighbours:
// tcp/transfer/delivery.h, the measure; relieve.cpp, which acts on it.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "app/connection.h"
#include "base/slab.h"
#include "base/time.h"
#include "tcp/transfer/delivery.h"

namespace millrace::shard {

class SlowPeers {
 public:
  static constexpr uint32_t kWalked = 64;       // connections an iteration
  static constexpr uint32_t kIntervals = 8;     // of which a queue may take so many
  static constexpr uint32_t kRemembered = 512;  // the slowest of one walk

  explicit SlowPeers(const Slab<app::Connection>& connections) : connections_(&connections) {}

  bool watching() const { return watching_; }
  // The next call of walk(): a walk goes on at once.
  Instant next_walk() const { return !watching_ ? kNever : next_walk_; }
  // Begins to watch, or goes on. `interval` is the time between two walks. True: a walk has ended, and
  // take_slowest() tells what it has found; the next one begins an interval later.
  bool walk(Instant now, Micros interval);
  struct Slow {
    uint32_t connection;  // kNoIndex: there is none left
    bool out_of_order;  // it is what the peer sends that does not come, before what it has sent out of order
  };
  // Takes the slowest that the last walk has found.
  Slow take_slowest();
  void stop() {
    if (watching_) forget();
  }

 private:
  struct Found {
    uint32_t index;
    tcp::Delivery delivery;
    bool out_of_order;
    // The top of the heap is the least slow.
    friend bool operator<(const Found& a, const Found& b) { return a.delivery.slower_than(b.delivery); }
  };
  void look_at(uint32_t index);
  void remember(const Found& found);
  bool is_as_old_as_the_mark(uint32_t index) const;
  [[gnu::cold]] void forget();

  const Slab<app::Connection>* connections_;
  bool watching_ = false;
  bool walking_ = false;
  bool marked_ = false;  // by a walk before this one
  uint32_t next_ = 0;    // to be walked
  Instant next_walk_{};
  Instant began_{};                      // the walk
  Instant marked_at_{};                  // the walk before
  std::deque<tcp::DeliveryMark> marks_;  // by connection
  std::vector<Found> found_;             // a heap while walking, then the slowest at the end
};

}  // namespace millrace::shard
