// A bounded queue between two threads: one pushes, one pops, neither waits. The mailbox from the control
// thread to an lcore, and back, is made of two of these.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace millrace {

template <typename T, size_t kCapacity>
class Ring {
  static_assert(std::has_single_bit(kCapacity));

 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  // By then both threads have let go.
  ~Ring() {
    while (pop()) {
    }
  }

  // The producer. False: the ring is full, and `value` stays the caller's.
  bool push(T&& value) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ == kCapacity) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ == kCapacity) return false;
    }
    std::construct_at(slot(tail), std::move(value));
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // The consumer.
  std::optional<T> pop() {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return std::nullopt;
    }
    T* value = slot(head);
    std::optional<T> out(std::move(*value));
    std::destroy_at(value);
    head_.store(head + 1, std::memory_order_release);
    return out;
  }

  // Any thread; a moment later it may be otherwise.
  bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  static constexpr size_t capacity() { return kCapacity; }

 private:
  static constexpr size_t kLine = 64;
  struct Cell {
    alignas(T) unsigned char storage[sizeof(T)];
  };

  T* slot(size_t position) {
    return std::launder(reinterpret_cast<T*>(cells_[position & (kCapacity - 1)].storage));
  }

  // Each side's counters share a line that only that side writes.
  alignas(kLine) std::atomic<size_t> tail_{0};  // written by the producer, read by both
  size_t head_seen_ = 0;                        // the producer's: head_ as it was last read
  alignas(kLine) std::atomic<size_t> head_{0};  // written by the consumer, read by both
  size_t tail_seen_ = 0;                        // the consumer's
  alignas(kLine) std::array<Cell, kCapacity> cells_;
};

}  // namespace millrace
