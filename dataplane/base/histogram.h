// Counts of values in log-linear buckets: four an octave, so that what is read back is at most a quarter
// above what was recorded; exact up to 8. Written by one lcore, read by any thread. Neighbour: counters.h
// (declares which there are).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"

namespace millrace {

class Histogram {
 public:
  static constexpr size_t kSteps = 4;     // buckets an octave
  static constexpr size_t kOctaves = 24;  // up to 2^26: 67 s in microseconds
  // The last bucket is for whatever is larger.
  static constexpr size_t kBuckets = (kOctaves + 1) * kSteps + 1;

  void record(uint64_t value) {
    buckets_[bucket_of(value)].add();
    sum_.add(value);
  }

  uint64_t in(size_t bucket) const { return buckets_[bucket].value(); }
  uint64_t sum() const { return sum_.value(); }

  // A bucket's values are above the bound of the one before it and at most its own, as OpenMetrics' `le`
  // wants.
  static constexpr size_t bucket_of(uint64_t value) {
    const uint64_t below = value - (value != 0);
    if (below < kSteps) return below;
    const auto octave = static_cast<unsigned>(std::bit_width(below)) - 3;
    if (octave >= kOctaves) return kBuckets - 1;
    return octave * kSteps + (below >> octave);
  }
  // UINT64_MAX: the last bucket has none.
  static constexpr uint64_t bound_of(size_t bucket) {
    if (bucket < kSteps) return bucket + 1;
    if (bucket == kBuckets - 1) return UINT64_MAX;
    return (kSteps + bucket % kSteps + 1) << (bucket / kSteps - 1);
  }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

// What histograms held at one time, those of several shards added.
struct Distribution {
  std::array<uint64_t, Histogram::kBuckets> buckets{};
  uint64_t count = 0;  // of all buckets
  uint64_t sum = 0;    // read apart: a value that came meanwhile may be missing here or there

  void add(const Histogram& histogram) {
    for (size_t i = 0; i < buckets.size(); ++i) {
      const uint64_t here = histogram.in(i);
      buckets[i] += here;
      count += here;
    }
    sum += histogram.sum();
  }
  void add(const Distribution& other) {
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum += other.sum;
  }
  // The bound of the bucket in which `share` (0 to 1) of all are reached, by nearest rank; 0 when there are
  // none.
  uint64_t percentile(double share) const {
    if (count == 0) return 0;
    const double wanted = share * static_cast<double>(count);
    uint64_t passed = 0;
    size_t last = 0;
    for (size_t i = 0; i < buckets.size(); ++i) {
      if (buckets[i] == 0) continue;
      passed += buckets[i];
      last = i;
      if (static_cast<double>(passed) >= wanted) break;
    }
    return Histogram::bound_of(last);
  }
};

}  // namespace millrace
