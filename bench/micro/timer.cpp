// The timing wheel with 1, 10^3 and 10^6 timers, each in a record of its own as a connection has it.
#include "timer/wheel.h"

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "cycles.h"

namespace {

using namespace millrace;
using bench::Stopwatch;
using timer::Wheel;

constexpr size_t kBatch = 1024;

struct alignas(64) Record {
  timer::Node node;
};

// `count` timers with retransmission-like deadlines, 200 ms to 1.2 s ahead, and which of them a batch
// touches.
class Timers {
 public:
  explicit Timers(benchmark::State& state) : records(static_cast<size_t>(state.range(0))) {
    for (Record& record : records) wheel.start(record.node, soon());
    pick();
  }
  Instant soon() { return now + Micros(200'000 + static_cast<int64_t>(random() % 1'000'000)); }
  ~Timers() {
    for (Record& record : records) wheel.cancel(record.node);
  }
  void pick() {
    for (size_t i = 0; i < kBatch; ++i) {
      picked[i] = &records[random() % records.size()].node;
      deadlines[i] = soon();
    }
  }

  Instant now = Instant(1s);
  std::minstd_rand random{1};
  Wheel wheel{now};
  std::vector<Record> records;
  std::vector<timer::Node*> picked = std::vector<timer::Node*>(kBatch);
  std::vector<Instant> deadlines = std::vector<Instant>(kBatch);
};

// Cancels a random timer and starts it again.
void cancel_start(benchmark::State& state) {
  Timers timers(state);
  Stopwatch watch(state);
  for (auto _ : state) {
    timers.pick();
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i) {
        timers.wheel.cancel(*timers.picked[i]);
        timers.wheel.start(*timers.picked[i], timers.deadlines[i]);
      }
      return kBatch;
    });
  }
  watch.report();
}

// Moves a random timer's deadline elsewhere.
void rearm(benchmark::State& state) {
  Timers timers(state);
  Stopwatch watch(state);
  for (auto _ : state) {
    timers.pick();
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i) timers.wheel.start(*timers.picked[i], timers.deadlines[i]);
      return kBatch;
    });
  }
  watch.report();
}

// Moves a random timer's deadline by a few microseconds, as every acknowledgement would.
void rearm_nearby(benchmark::State& state) {
  Timers timers(state);
  Stopwatch watch(state);
  for (auto _ : state) {
    timers.pick();
    for (size_t i = 0; i < kBatch; ++i) timers.deadlines[i] = timers.picked[i]->deadline() + 3us;
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i) timers.wheel.start(*timers.picked[i], timers.deadlines[i]);
      return kBatch;
    });
  }
  watch.report();
}

// Every timer starts again when it expires: cost a timer, its way down the levels included.
void expire(benchmark::State& state) {
  Timers timers(state);
  Stopwatch watch(state);
  for (auto _ : state) {
    timers.now = timers.wheel.next_deadline();
    watch.measure([&] {
      uint64_t expired = 0;
      // Often enough to expire some hundreds.
      for (int ticks = 0; ticks < 1'000'000 && expired < 256; ++ticks) {
        expired += timers.wheel.advance(timers.now,
                                        [&](timer::Node& node) { timers.wheel.start(node, timers.soon()); });
        timers.now = timers.wheel.next_deadline();
      }
      return expired;
    });
  }
  watch.report();
}

// The loop's usual question, with nothing due.
void advance_nothing_due(benchmark::State& state) {
  Timers timers(state);
  for (Record& record : timers.records) timers.wheel.start(record.node, timers.now + 3600s * 24 * 365);
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i) {
        timers.now += 3us;
        benchmark::DoNotOptimize(timers.wheel.advance(timers.now, [](timer::Node&) {}));
      }
      return kBatch;
    });
  }
  watch.report();
}

// One step over an idle hour.
void advance_an_hour(benchmark::State& state) {
  Timers timers(state);
  for (Record& record : timers.records) timers.wheel.start(record.node, kNever - 1us);
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      timers.now += 3600s;
      benchmark::DoNotOptimize(timers.wheel.advance(timers.now, [](timer::Node&) {}));
      return 1;
    });
  }
  watch.report();
}

void next_deadline(benchmark::State& state) {
  Timers timers(state);
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i) benchmark::DoNotOptimize(timers.wheel.next_deadline());
      return kBatch;
    });
  }
  watch.report();
}

#define WHEEL_BENCHMARK(name) BENCHMARK(name)->Arg(1)->Arg(1000)->Arg(1'000'000)->UseManualTime()
WHEEL_BENCHMARK(cancel_start);
WHEEL_BENCHMARK(rearm);
WHEEL_BENCHMARK(rearm_nearby);
WHEEL_BENCHMARK(expire);
WHEEL_BENCHMARK(advance_nothing_due);
WHEEL_BENCHMARK(advance_an_hour);
WHEEL_BENCHMARK(next_deadline);

}  // namespace
