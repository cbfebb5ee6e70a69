// One figure of a shard: written by its lcore, read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace {

class Counter {
 public:
  // A single writer needs no atomic addition.
  void add(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void subtract(uint64_t count) { add(-count); }  // of gauges
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace millrace
