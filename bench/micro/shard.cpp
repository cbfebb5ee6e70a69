// Two whole shards back to back, without a link: what a connection and a segment cost, both ends together.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "cycles.h"
#include "shard/shard.h"

namespace millrace::bench {
namespace {

constexpr uint16_t kFirstPort = 1000;
constexpr uint32_t kConnectionsAPort = 20'000;  // fewer than ephemeral ports towards one endpoint

ShardParams params_of(uint8_t host, uint32_t connections) {
  ShardParams params;
  params.interface.mac = MacAddress({2, 0, 0, 0, 0, host});
  params.interface.addresses = {{IpAddress::v4(10, 0, 0, host), 24}};
  params.memory.connections = connections + 64;
  params.memory.syn_records = 4096;
  params.memory.time_wait_records = connections + 64;
  params.memory.buffer_bytes = 4ULL << 30;
  params.memory.trace_segments = 0;
  params.tcp.msl = 1ms;
  return params;
}

// Sends what it is told to, and takes what comes.
class Client final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override { open.push_back(&connection); }
  void on_readable(app::Connection& connection) override {
    ++answers;
    connection.consume(connection.readable_bytes());
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  void on_closed(app::Connection&, app::CloseReason) override { ++closed; }

  std::vector<app::Connection*> open;
  uint64_t answers = 0;
  uint64_t closed = 0;
};

class Echo final : public app::Handler {
 public:
  void on_readable(app::Connection& connection) override {
    while (connection.readable_bytes() != 0) {
      const std::span<const uint8_t> octets = connection.readable();
      if (answering) connection.send(octets);
      connection.consume(static_cast<uint32_t>(octets.size()));
    }
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  bool answering = true;
};

class Pair {
 public:
  explicit Pair(uint32_t connections)
      : near_(params_of(1, connections), wire::Checksum::Software, near_pool_, entropy_, now_),
        far_(params_of(2, connections), wire::Checksum::Software, far_pool_, entropy_, now_) {
    for (uint32_t i = 0; i <= connections / kConnectionsAPort; ++i)
      far_.listen(
          {.local = {IpAddress::v4(0, 0, 0, 0), static_cast<uint16_t>(kFirstPort + i)}, .backlog = 4096},
          echo, "echo");
  }

  void connect(uint32_t number) {
    const auto port = static_cast<uint16_t>(kFirstPort + number / kConnectionsAPort);
    if (near_
            .connect({.remote = {IpAddress::v4(10, 0, 0, 2), port}, .local_address = {}, .local_port = {}},
                     client)
            .connection == nullptr)
      std::abort();
  }
  void open(uint32_t count) {
    if (count == 0) {  // the neighbour is to be known all the same
      open(1);
      client.open[0]->abort();
      settle();
      client.open.clear();
      return;
    }
    client.open.reserve(count);
    for (uint32_t opened = 0; opened < count; ++opened) {
      connect(opened);
      if (opened % 64 == 0) settle();  // after the first one the neighbour is known
    }
    settle();
    if (client.open.size() != count) std::abort();
  }
  // One iteration of either loop.
  size_t exchange() {
    now_ += 1us;
    near_.expire(now_, to_far_);
    near_.run(now_);
    near_.transmit(now_, to_far_);
    size_t moved = to_far_.size();
    far_.receive(to_far_.packets(), now_, to_near_);
    to_far_.clear();
    far_.expire(now_, to_near_);
    far_.run(now_);
    far_.transmit(now_, to_near_);
    moved += to_near_.size();
    near_.receive(to_near_.packets(), now_, to_far_);
    to_near_.clear();
    return moved + to_far_.size();
  }
  void settle() {
    while (exchange() != 0 || near_.busy() || far_.busy()) {
    }
  }
  void pass(Micros time) { now_ += time; }
  uint64_t segments() const {
    return near_.counters().tcp_segments_sent.value() + far_.counters().tcp_segments_sent.value();
  }

  Client client;
  Echo echo;

 private:
  SeededEntropy entropy_{1};
  Instant now_{1s};
  HeapPool near_pool_{4096, 2048};
  HeapPool far_pool_{4096, 2048};
  PacketBatch to_far_{1024};
  PacketBatch to_near_{1024};
  shard::Shard near_;
  shard::Shard far_;
};

constexpr uint32_t kBurst = 32;

// 32 connections at a time, spread over all, each send 64 octets and get them back: cost a segment handled,
// sent and received counting as one.
void RequestAndResponse(benchmark::State& state) {
  const auto connections = static_cast<uint32_t>(state.range(0));
  Pair pair(connections);
  pair.open(connections);
  const std::array<uint8_t, 64> request{};
  Stopwatch watch(state);
  size_t next = 0;
  const auto spread = [&] { return next = (next + 7919) % pair.client.open.size(); };
  for (auto _ : state) {
    watch.measure([&] {
      const uint64_t before = pair.segments();
      for (uint32_t i = 0; i < std::min(kBurst, connections); ++i) pair.client.open[spread()]->send(request);
      pair.settle();
      return pair.segments() - before;
    });
  }
  watch.report();
}
BENCHMARK(RequestAndResponse)->Arg(1)->Arg(1'000)->Arg(1'000'000)->UseManualTime();

// One direction, as the windows allow: cost a segment, the acknowledgements' included.
void Bulk(benchmark::State& state) {
  const auto connections = static_cast<uint32_t>(state.range(0));
  Pair pair(connections);
  pair.echo.answering = false;
  pair.open(connections);
  const std::vector<uint8_t> block(64 * 1024);
  Stopwatch watch(state);
  size_t next = 0;
  uint64_t octets = 0;
  for (auto _ : state) {
    watch.measure([&] {
      const uint64_t before = pair.segments();
      next = (next + 7919) % pair.client.open.size();
      octets += pair.client.open[next]->send(block);
      pair.settle();
      return pair.segments() - before;
    });
  }
  state.SetBytesProcessed(static_cast<int64_t>(octets));
  watch.report();
}
BENCHMARK(Bulk)->Arg(1)->Arg(1'000)->Arg(1'000'000)->UseManualTime();

// Open, 64 octets there and back, close by the client, TIME-WAIT: cost a connection, both ends together,
// beside `range` others that are open.
void OpenTransferClose(benchmark::State& state) {
  const auto connections = static_cast<uint32_t>(state.range(0));
  Pair pair(connections + kBurst);
  pair.open(connections);
  const std::array<uint8_t, 64> request{};
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      const size_t first = pair.client.open.size();
      for (uint32_t i = 0; i < kBurst; ++i) pair.connect(connections);
      pair.settle();
      for (size_t i = first; i < pair.client.open.size(); ++i) pair.client.open[i]->send(request);
      pair.settle();
      for (size_t i = first; i < pair.client.open.size(); ++i) pair.client.open[i]->shutdown();
      pair.settle();
      pair.client.open.resize(first);
      pair.pass(10ms);
      pair.settle();
      return kBurst;
    });
  }
  watch.report();
}
BENCHMARK(OpenTransferClose)->Arg(0)->Arg(1'000)->Arg(1'000'000)->UseManualTime();

}  // namespace
}  // namespace millrace::bench
