// The demux with 1, 10^3, 10^6 and 10^7 connections: records of 64 bytes that begin with their key, asked for
// in random order with the hash at hand.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "cycles.h"
#include "flow/ports.h"
#include "flow/table.h"

namespace {

using namespace millrace;
using namespace millrace::flow;
using bench::Stopwatch;

constexpr size_t kBatch =
    2048;  // keys made ready between two measured stretches; they fit the second-level cache

struct alignas(64) Record {
  FlowKey key;
};

FlowKey key_of(uint32_t number) {
  return {.remote = IpAddress::v4(10, static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16),
                                  static_cast<uint8_t>(number >> 8)),
          .remote_port = static_cast<uint16_t>(1024 + number % 50'000),
          .local_port = 443,
          .local = 1};
}

class Connections {
 public:
  explicit Connections(uint32_t count) : count_(count), table(count + kBatch), records(count + kBatch) {
    for (uint32_t i = 0; i < records.size(); ++i) records[i].key = key_of(i);
    for (uint32_t i = 0; i < count; ++i) insert(i);
  }
  void insert(uint32_t number) { table.insert(hash(records[number].key), Ref(Kind::Connection, number)); }
  auto resolver() const {
    return [data = records.data()](Ref ref) -> const FlowKey& { return data[ref.index()].key; };
  }
  // Keys of connections, or of none, in random order.
  void pick(bool present) {
    for (Hashed& query : queries) {
      query.key = key_of(static_cast<uint32_t>(random() % count_));
      if (!present) query.key.local_port = 80;
      query.hash = hash(query.key);
    }
  }

 private:
  uint32_t count_;
  std::mt19937_64 random{1};
  SeededEntropy entropy{1};

 public:
  FlowHash hash{entropy};
  Table table;
  std::vector<Record> records;
  std::vector<Hashed> queries = std::vector<Hashed>(kBatch);
  std::vector<Ref> answers = std::vector<Ref>(kBatch);
};

// Filling 10^7 records takes longer than measuring: one set is kept for all benchmarks of a size.
Connections& connections(int64_t count) {
  static std::unique_ptr<Connections> kept;
  static int64_t size = 0;
  if (size != count) {
    kept.reset();
    kept = std::make_unique<Connections>(static_cast<uint32_t>(count));
    size = count;
  }
  return *kept;
}

void report(benchmark::State& state, Stopwatch& watch, const Table& table) {
  watch.report();
  state.counters["bytes/entry"] = static_cast<double>(table.bytes()) / table.size();
}

void find(benchmark::State& state, bool present) {
  Connections& all = connections(state.range(0));
  Stopwatch watch(state);
  for (auto _ : state) {
    all.pick(present);
    watch.measure([&] {
      for (const Hashed& query : all.queries)
        benchmark::DoNotOptimize(all.table.find(query.hash, query.key, all.resolver()));
      return kBatch;
    });
  }
  report(state, watch, all.table);
}

void find_bulk(benchmark::State& state, bool present) {
  Connections& all = connections(state.range(0));
  Stopwatch watch(state);
  for (auto _ : state) {
    all.pick(present);
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; i += Table::kBurst)
        all.table.find_bulk(std::span(all.queries).subspan(i, Table::kBurst),
                            std::span(all.answers).subspan(i, Table::kBurst), all.resolver());
      benchmark::ClobberMemory();
      return kBatch;
    });
  }
  report(state, watch, all.table);
}

// A connection ends and another begins: an erasure and an insertion.
void erase_insert(benchmark::State& state) {
  Connections& all = connections(state.range(0));
  std::mt19937_64 random(2);
  std::vector<std::pair<uint64_t, Ref>> chosen(kBatch);
  Stopwatch watch(state);
  for (auto _ : state) {
    for (auto& [hash, ref] : chosen) {
      ref = Ref(Kind::Connection, static_cast<uint32_t>(random() % static_cast<uint64_t>(state.range(0))));
      hash = all.hash(key_of(ref.index()));
    }
    watch.measure([&] {
      for (const auto& [hash, ref] : chosen) {
        all.table.erase(hash, ref);
        all.table.insert(hash, ref);
      }
      return kBatch;
    });
  }
  report(state, watch, all.table);
}

// From an empty table, all doublings included; "worst us" is the slowest single insertion.
void fill(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  SeededEntropy entropy(3);
  const FlowHash hash(entropy);
  std::vector<uint64_t> hashes(count);
  for (uint32_t i = 0; i < count; ++i) hashes[i] = hash(key_of(i));
  Stopwatch watch(state);
  double worst = 0;
  for (auto _ : state) {
    {
      Table table(count);
      watch.measure([&] {
        for (uint32_t i = 0; i < count; ++i) table.insert(hashes[i], Ref(Kind::Connection, i));
        return count;
      });
    }
    Table table(count);
    for (uint32_t i = 0; i < count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      table.insert(hashes[i], Ref(Kind::Connection, i));
      const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
      worst = std::max(worst, took.count());
    }
  }
  watch.report();
  state.counters["worst_us"] = worst;
}

// Each hash waits for the one before, as the first of a burst does.
void hash(benchmark::State& state) {
  SeededEntropy entropy(4);
  const FlowHash hash(entropy);
  FlowKey key = key_of(7);
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i) {
        key.remote_port = static_cast<uint16_t>(hash(key));
        benchmark::DoNotOptimize(key);
      }
      return kBatch;
    });
  }
  watch.report();
}

// The hashes of a burst overlap.
void hash_burst(benchmark::State& state) {
  SeededEntropy entropy(4);
  const FlowHash hash(entropy);
  std::vector<Hashed> keys(Table::kBurst);
  for (uint32_t i = 0; i < Table::kBurst; ++i) keys[i].key = key_of(i);
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; i += Table::kBurst) {
        for (Hashed& key : keys) key.hash = hash(key.key);
        benchmark::ClobberMemory();
      }
      return kBatch;
    });
  }
  watch.report();
}

void select_port(benchmark::State& state) {
  SeededEntropy entropy(5);
  Ports ports({}, entropy);
  const IpAddress local = IpAddress::v4(10, 0, 0, 1);
  const Endpoint remote{IpAddress::v4(10, 0, 0, 2), 80};
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      for (size_t i = 0; i < kBatch; ++i)
        benchmark::DoNotOptimize(ports.select(local, remote, [](uint16_t) { return true; }));
      return kBatch;
    });
  }
  watch.report();
}

void register_all() {
  for (const int64_t count : {1, 1000, 1'000'000, 10'000'000}) {
    const auto add = [count](const char* name, auto&& function) {
      benchmark::RegisterBenchmark(name, function)->Arg(count)->UseManualTime();
    };
    add("find_hit", [](benchmark::State& state) { find(state, true); });
    add("find_miss", [](benchmark::State& state) { find(state, false); });
    add("find_bulk_hit", [](benchmark::State& state) { find_bulk(state, true); });
    add("find_bulk_miss", [](benchmark::State& state) { find_bulk(state, false); });
    add("erase_insert", erase_insert);
    add("fill", fill);
  }
}

[[maybe_unused]] const bool registered = (register_all(), true);
BENCHMARK(hash)->UseManualTime();
BENCHMARK(hash_burst)->UseManualTime();
BENCHMARK(select_port)->UseManualTime();

}  // namespace
