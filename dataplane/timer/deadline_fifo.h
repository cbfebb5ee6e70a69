// Deadlines of constant length (TIME-WAIT, delayed ACK, SYN-ACK): what enters last expires last, so a queue
// is a timer. Neighbour: wheel.h, for deadlines of any length.
//
// The queue runs through records of a slab by their indices; the records hold the links, and what their
// deadline is, themselves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/slab.h"
#include "base/time.h"

namespace millrace::timer {

struct FifoLinks {
  uint32_t prev = kNoIndex;
  uint32_t next = kNoIndex;
};
static_assert(sizeof(FifoLinks) == 8);

// Accessor: links(uint32_t index) -> FifoLinks&, of the record with that index. A record is in one FIFO an
// accessor at a time.
template <typename Accessor>
class DeadlineFifo {
 public:
  explicit DeadlineFifo(Accessor links) : links_(std::move(links)) {}
  DeadlineFifo(const DeadlineFifo&) = delete;
  DeadlineFifo& operator=(const DeadlineFifo&) = delete;

  bool empty() const { return size_ == 0; }
  uint32_t size() const { return size_; }
  uint32_t front() const { return front_; }  // the earliest deadline; kNoIndex when empty
  uint32_t next(uint32_t index) const { return links_(index).next; }
  bool contains(uint32_t index) const { return front_ == index || links_(index).prev != kNoIndex; }

  void push_back(uint32_t index) {
    MILLRACE_CHECK(!contains(index));
    links_(index) = {back_, kNoIndex};
    (back_ == kNoIndex ? front_ : links_(back_).next) = index;
    back_ = index;
    ++size_;
  }
  void remove(uint32_t index) {
    MILLRACE_CHECK(contains(index));
    const FifoLinks links = std::exchange(links_(index), FifoLinks{});
    (links.prev == kNoIndex ? front_ : links_(links.prev).next) = links.next;
    (links.next == kNoIndex ? back_ : links_(links.next).prev) = links.prev;
    --size_;
  }
  // Starts the deadline of a record again.
  void move_to_back(uint32_t index) {
    if (index == back_) return;
    remove(index);
    push_back(index);
  }

  // Removes the records whose deadline_of(index) is not after `now` and hands each to on_expired(index),
  // which may remove, push and free any record, this one included. Returns how many. Records pushed meanwhile
  // are not visited more than once a call.
  template <typename DeadlineOf, typename F>
  size_t expire(Instant now, DeadlineOf&& deadline_of, F&& on_expired, size_t budget = ~size_t{0}) {
    budget = std::min<size_t>(budget, size_);
    size_t expired = 0;
    while (expired < budget && front_ != kNoIndex && deadline_of(front_) <= now) {
      const uint32_t index = front_;
      remove(index);
      ++expired;
      on_expired(index);
    }
    return expired;
  }

 private:
  Accessor links_;
  uint32_t front_ = kNoIndex;
  uint32_t back_ = kNoIndex;
  uint32_t size_ = 0;
};

}  // namespace millrace::timer
