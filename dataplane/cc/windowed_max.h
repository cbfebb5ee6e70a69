// The greatest of late: the largest value of the last `length` units of a clock of the caller's. Holds up to three
// candidates, each smaller and later than the one before; what finds no room is no candidate yet.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace millrace::cc {

template <typename T>
class WindowedMax {
 public:
  T value() const { return count_ == 0 ? T{} : best_[0].value; }

  void update(T value, uint32_t now, uint32_t length) {
    while (count_ != 0 && now - best_[0].at >= length) drop_first();
    while (count_ != 0 && best_[count_ - 1].value <= value) --count_;
    if (count_ < best_.size()) best_[count_++] = {value, now};
  }

 private:
  struct Candidate {
    T value;
    uint32_t at;
  };
  void drop_first() {
    std::move(best_.begin() + 1, best_.begin() + count_, best_.begin());
    --count_;
  }
  std::array<Candidate, 3> best_{};
  uint8_t count_ = 0;
};

}  // namespace millrace::cc
