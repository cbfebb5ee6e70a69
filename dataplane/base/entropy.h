// Random bits, handed in by the world that runs the shard: the dataplane draws none of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace {

class Entropy {
 public:
  Entropy() = default;
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;
  virtual ~Entropy() = default;
  virtual uint64_t next() = 0;

  std::array<uint8_t, 16> key() {
    std::array<uint8_t, 16> out{};
    for (std::size_t i = 0; i < 2; ++i) {
      uint64_t word = next();
      for (std::size_t j = 0; j < 8; ++j, word >>= 8) out[8 * i + j] = static_cast<uint8_t>(word);
    }
    return out;
  }
};

// A seeded source for simulations and tests (SplitMix64): the same seed gives the same run.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(uint64_t seed) : state_(seed) {}
  uint64_t next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace millrace
