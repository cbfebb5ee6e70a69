// Objects of one size, named by a 32-bit index that stays put. Memory grows by chunks up to the bound and is
// kept for reuse; taking and giving back are O(1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"

namespace millrace {

inline constexpr uint32_t kNoIndex = 0xffff'ffff;

template <typename T>
class Slab {
 public:
  explicit Slab(uint32_t bound) : bound_(bound) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { MILLRACE_CHECK(used_ == 0); }

  // The index of a new T(args...), or kNoIndex when the bound is reached.
  template <typename... Args>
  uint32_t create(Args&&... args) {
    if (free_ == kNoIndex && !grow()) return kNoIndex;
    const uint32_t index = free_;
    Cell& cell = at(index);
    free_ = cell.next_free;
    ++used_;
    live_[index / 64] |= uint64_t{1} << (index % 64);
    new (cell.storage) T(std::forward<Args>(args)...);
    return index;
  }
  void destroy(uint32_t index) {
    Cell& cell = at(index);
    (*this)[index].~T();
    live_[index / 64] &= ~(uint64_t{1} << (index % 64));
    cell.next_free = free_;
    free_ = index;
    --used_;
  }
  // Whether an object lives at `index`, which may be any number.
  bool contains(uint32_t index) const {
    return index / 64 < live_.size() && (live_[index / 64] >> (index % 64) & 1) != 0;
  }
  // Every object's index is below this.
  uint32_t extent() const { return static_cast<uint32_t>(chunks_.size()) * kChunk; }
  T& operator[](uint32_t index) { return *std::launder(reinterpret_cast<T*>(at(index).storage)); }
  const T& operator[](uint32_t index) const {
    return *std::launder(reinterpret_cast<const T*>(at(index).storage));
  }
  const void* address(uint32_t index) const { return at(index).storage; }

  uint32_t used() const { return used_; }
  uint32_t bound() const { return bound_; }
  bool full() const { return used_ == bound_; }
  size_t bytes() const { return chunks_.size() * sizeof(Cell) * kChunk; }

 private:
  static constexpr uint32_t kChunk = 1024;
  union Cell {
    alignas(T) unsigned char storage[sizeof(T)];
    uint32_t next_free;
  };

  Cell& at(uint32_t index) const { return chunks_[index / kChunk][index % kChunk]; }

  bool grow() {
    const uint32_t first = static_cast<uint32_t>(chunks_.size()) * kChunk;
    if (first >= bound_) return false;
    const uint32_t count = std::min(kChunk, bound_ - first);
    chunks_.push_back(std::make_unique_for_overwrite<Cell[]>(kChunk));
    live_.resize(live_.size() + kChunk / 64);
    for (uint32_t i = count; i-- > 0;) {
      chunks_.back()[i].next_free = free_;
      free_ = first + i;
    }
    return true;
  }

  uint32_t bound_;
  uint32_t used_ = 0;
  uint32_t free_ = kNoIndex;
  std::vector<std::unique_ptr<Cell[]>> chunks_;
  std::vector<uint64_t> live_;  // a bit an object
};

}  // namespace millrace
