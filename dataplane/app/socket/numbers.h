// Where descriptor numbers come from: our own count, or the kernel's where a process has both.
#pragma once

#include <queue>
#include <vector>

namespace millrace::socket {

class Numbers {
 public:
  Numbers() = default;
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  virtual ~Numbers() = default;
  virtual int take() = 0;  // -1: none is left (EMFILE)
  virtual void give_back(int number) = 0;
};

// The smallest number that is free, as POSIX wants it, from `first` on.
class SmallestNumbers final : public Numbers {
 public:
  explicit SmallestNumbers(int first = 3, int bound = 65536) : next_(first), bound_(bound) {}
  int take() override {
    if (!free_.empty()) {
      const int number = free_.top();
      free_.pop();
      return number;
    }
    return next_ < bound_ ? next_++ : -1;
  }
  void give_back(int number) override { free_.push(number); }

 private:
  int next_;
  int bound_;
  std::priority_queue<int, std::vector<int>, std::greater<>> free_;
};

}  // namespace millrace::socket
