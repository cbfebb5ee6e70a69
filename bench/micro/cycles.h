// Timing of what benchmarks measure, in nanoseconds and in cycles of the time-stamp counter per operation,
// with the preparation between two measured stretches left out.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace millrace::bench {

#if defined(__x86_64__)
inline uint64_t cycles_now() { return __rdtsc(); }
#else
inline uint64_t cycles_now() { return 0; }  // only nanoseconds are told
#endif

// For benchmarks registered with UseManualTime(). What is told per operation is the median over the
// iterations: a neighbour that takes the core away for a while does not count.
class Stopwatch {
 public:
  explicit Stopwatch(benchmark::State& state) : state_(state) {}

  // Runs body() as one iteration; it returns how many operations it did.
  template <typename F>
  void measure(F&& body) {
    const auto start = std::chrono::steady_clock::now();
    const uint64_t first = cycles_now();
    const auto operations = static_cast<double>(body());
    const auto cycles = static_cast<double>(cycles_now() - first);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    state_.SetIterationTime(elapsed.count());
    cycles_.push_back(cycles / operations);
    seconds_.push_back(elapsed.count() / operations);
  }
  void report() {
    state_.counters["cycles/op"] = median(cycles_);
    state_.counters["ns/op"] = median(seconds_) * 1e9;
  }

 private:
  static double median(std::vector<double>& values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  benchmark::State& state_;
  std::vector<double> cycles_;
  std::vector<double> seconds_;
};

}  // namespace millrace::bench
