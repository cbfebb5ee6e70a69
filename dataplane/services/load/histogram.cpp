#include "services/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace millrace::services::load {

void Distribution::add(const Distribution& other) {
  if (other.buckets_.empty()) return;
  buckets_.resize(Histogram::kBuckets);
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
}

void Distribution::subtract(const Distribution& earlier) {
  if (earlier.buckets_.empty()) return;
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] -= earlier.buckets_[i];
  count_ -= earlier.count_;
  sum_ -= earlier.sum_;
}

double Distribution::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

uint64_t Distribution::percentile(double share) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t left = std::clamp<uint64_t>(rank, 1, count_);
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] >= left) return (uint64_t{Histogram::lowest_of(i)} + Histogram::highest_of(i)) / 2;
    left -= buckets_[i];
  }
  return max();
}

uint64_t Distribution::max() const {
  for (size_t i = buckets_.size(); i-- > 0;)
    if (buckets_[i] != 0) return Histogram::highest_of(i);
  return 0;
}

// The lcore goes on meanwhile: the count is that of the buckets as they were read, so that ranks fit.
Distribution Histogram::read() const {
  Distribution all;
  all.sum_ = sum_.value();
  all.buckets_.reserve(kBuckets);
  for (const Counter& bucket : buckets_) {
    all.buckets_.push_back(bucket.value());
    all.count_ += all.buckets_.back();
  }
  return all;
}

}  // namespace millrace::services::load
