// The shards' figures through DPDK's own telemetry socket, for dpdk-telemetry.py and whatever collects from
// it: /millrace/stats, /millrace/drops, /millrace/histograms, each for all shards or, with `,N`, for one.
// Neighbours: base/counters.h (the figures), eal.h (telemetry is on unless EAL is told otherwise).
#pragma once

#include <memory>
#include <span>

#include "base/counters.h"
#include "dpdk/result.h"

namespace millrace::dpdk {

class Telemetry {
 public:
  // Answers as long as it lives; `shards` outlive it. One at a time in a process.
  static Result<std::unique_ptr<Telemetry>> start(std::span<const Counters* const> shards);
  // Waits for an answer that is being given.
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

 private:
  Telemetry() = default;
};

}  // namespace millrace::dpdk
