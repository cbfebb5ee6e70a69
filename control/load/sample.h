// What generators and shards have counted at one time, and between two times.
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <vector>

#include "base/counters.h"
#include "services/load/stats.h"

namespace millrace::control {

struct LoadSample {
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t kErrors = services::load::kLoadErrorInfos.size();

  // The generators' sums, named as theirs.
  struct Counts {
    uint64_t opens = 0, established = 0, completed = 0;
    uint64_t requests = 0, responses = 0, unanswered = 0;
    uint64_t bytes_sent = 0, bytes_received = 0;
    std::array<uint64_t, kErrors> errors{};
    uint64_t error(services::load::LoadError which) const { return errors[static_cast<size_t>(which)]; }
    uint64_t all_errors() const;
  };
  // The shards' sums that tell what was in the way.
  struct Signs {
    uint64_t retransmitted_segments = 0, window_probes = 0;
    uint64_t pool_empty = 0, neighbor_unreachable = 0, tx_queue_full = 0;
  };
  struct Loop {
    uint64_t iterations = 0, busy = 0;
    double busy_share() const;
  };

  Time at{};
  Counts counts;
  Signs signs;
  std::vector<Loop> loops;  // an lcore each
  // Gauges: those of the later time where two are subtracted.
  uint64_t open = 0, pending = 0, behind_us = 0;
  services::load::Distribution latency;
  services::load::Distribution connect;
};

LoadSample read_sample(std::span<const services::load::Stats* const> generators,
                       std::span<const Counters* const> shards);

// What came in from `earlier` to `later`.
LoadSample between(const LoadSample& earlier, const LoadSample& later);
double seconds_between(const LoadSample& earlier, const LoadSample& later);

}  // namespace millrace::control
