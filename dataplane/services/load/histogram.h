// Counts of microseconds in log-linear buckets: 64 an octave, so that what is read back is within 0.8 % of
// what was recorded, and exact below 128 us. Written by one lcore, read by any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/counters.h"

namespace millrace::services::load {

// What a histogram held at one time. Two of them subtracted are what came in between; added, what two lcores
// saw.
class Distribution {
 public:
  Distribution() = default;

  void add(const Distribution& other);
  void subtract(const Distribution& earlier);

  uint64_t count() const { return count_; }
  double mean() const;
  // The value that `share` (0 to 1) of all do not exceed, by nearest rank; 0 when there are none.
  uint64_t percentile(double share) const;
  // An upper bound of the largest, within 1.6 %.
  uint64_t max() const;

 private:
  friend class Histogram;
  std::vector<uint64_t> buckets_;  // none: all are zero
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
};

class Histogram {
 public:
  void record(uint32_t micros) {
    buckets_[bucket_of(micros)].add();
    sum_.add(micros);
  }
  Distribution read() const;

  static constexpr size_t kSubBuckets = 64;
  static constexpr size_t kBuckets = 27 * kSubBuckets;  // as many as 32 bits have
  static constexpr size_t bucket_of(uint32_t value) {
    if (value < kSubBuckets) return value;
    const auto octave = static_cast<unsigned>(std::bit_width(value)) - 7;
    return octave * kSubBuckets + (value >> octave);
  }
  static constexpr uint32_t lowest_of(size_t bucket) {
    if (bucket < 2 * kSubBuckets) return static_cast<uint32_t>(bucket);
    const size_t octave = bucket / kSubBuckets - 1;
    return static_cast<uint32_t>((kSubBuckets + bucket % kSubBuckets) << octave);
  }
  static constexpr uint32_t highest_of(size_t bucket) {
    return bucket + 1 == kBuckets ? UINT32_MAX : lowest_of(bucket + 1) - 1;
  }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

}  // namespace millrace::services::load
