#include "control/load/sample.h"

#include <numeric>

namespace millrace::control {

using services::load::Stats;

namespace {

// Every number of Counts beside its counter, so that reading and subtracting are one list.
struct CountField {
  uint64_t LoadSample::Counts::*count;
  Counter Stats::*counter;
};
constexpr CountField kCountFields[] = {
    {&LoadSample::Counts::opens, &Stats::opens},
    {&LoadSample::Counts::established, &Stats::established},
    {&LoadSample::Counts::completed, &Stats::completed},
    {&LoadSample::Counts::requests, &Stats::requests},
    {&LoadSample::Counts::responses, &Stats::responses},
    {&LoadSample::Counts::unanswered, &Stats::unanswered},
    {&LoadSample::Counts::bytes_sent, &Stats::bytes_sent},
    {&LoadSample::Counts::bytes_received, &Stats::bytes_received},
};

void add(LoadSample& sample, const Stats& stats) {
  for (const CountField& field : kCountFields) sample.counts.*field.count += (stats.*field.counter).value();
  for (size_t i = 0; i < LoadSample::kErrors; ++i) sample.counts.errors[i] += stats.errors[i].value();
  sample.open += stats.open.value();
  sample.pending += stats.pending.value();
  sample.behind_us = std::max(sample.behind_us, stats.behind.value());
  sample.latency.add(stats.latency.read());
  sample.connect.add(stats.connect.read());
}

void add(LoadSample& sample, const Counters& counters) {
  sample.signs.retransmitted_segments += counters.tcp_retransmitted_segments.value();
  sample.signs.window_probes += counters.tcp_window_probes_sent.value();
  sample.signs.pool_empty += counters.dropped(DropReason::PacketPoolEmpty);
  sample.signs.neighbor_unreachable += counters.dropped(DropReason::NeighborUnreachable);
  sample.signs.tx_queue_full += counters.dropped(DropReason::TxQueueFull);
  sample.loops.push_back({counters.loop_iterations.value(), counters.loop_busy_iterations.value()});
}

}  // namespace

uint64_t LoadSample::Counts::all_errors() const {
  return std::accumulate(errors.begin(), errors.end(), uint64_t{0});
}

double LoadSample::Loop::busy_share() const {
  return iterations == 0 ? 0 : static_cast<double>(busy) / static_cast<double>(iterations);
}

LoadSample read_sample(std::span<const Stats* const> generators, std::span<const Counters* const> shards) {
  LoadSample sample;
  sample.at = std::chrono::steady_clock::now();
  for (const Stats* stats : generators) add(sample, *stats);
  for (const Counters* counters : shards) add(sample, *counters);
  return sample;
}

LoadSample between(const LoadSample& earlier, const LoadSample& later) {
  LoadSample out = later;
  for (const CountField& field : kCountFields) out.counts.*field.count -= earlier.counts.*field.count;
  for (size_t i = 0; i < LoadSample::kErrors; ++i) out.counts.errors[i] -= earlier.counts.errors[i];
  out.signs.retransmitted_segments -= earlier.signs.retransmitted_segments;
  out.signs.window_probes -= earlier.signs.window_probes;
  out.signs.pool_empty -= earlier.signs.pool_empty;
  out.signs.neighbor_unreachable -= earlier.signs.neighbor_unreachable;
  out.signs.tx_queue_full -= earlier.signs.tx_queue_full;
  for (size_t i = 0; i < out.loops.size() && i < earlier.loops.size(); ++i) {
    out.loops[i].iterations -= earlier.loops[i].iterations;
    out.loops[i].busy -= earlier.loops[i].busy;
  }
  out.latency.subtract(earlier.latency);
  out.connect.subtract(earlier.connect);
  return out;
}

double seconds_between(const LoadSample& earlier, const LoadSample& later) {
  return std::chrono::duration<double>(later.at - earlier.at).count();
}

}  // namespace millrace::control
