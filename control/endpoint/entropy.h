// The kernel's random numbers, for the shards of a real endpoint.
#pragma once

#include <array>
#include <cstddef>

#include "base/entropy.h"

namespace millrace::control {

class SystemEntropy final : public Entropy {
 public:
  uint64_t next() override;

 private:
  std::array<uint64_t, 32> words_{};  // drawn by one system call
  size_t left_ = 0;
};

}  // namespace millrace::control
