// What many connections that do nothing cost those that do something: a new connection beside them, and a
// request on any of them, as one server sees it. 10^7 take 5.5 GB and are measured where MILLRACE_BENCH_LARGE
// is set.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "cycles.h"
#include "hand.h"

namespace millrace::bench {
namespace {

constexpr uint32_t kBurst = 32;
constexpr uint32_t kOctets = 64;

class Echo final : public app::Handler {
 public:
  void on_readable(app::Connection& connection) override {
    const std::span<const uint8_t> octets = connection.readable();
    connection.send(octets);
    connection.consume(static_cast<uint32_t>(octets.size()));
  }
};

// A server with so many connections open, and what their peers have to know to go on.
class Crowd {
 public:
  explicit Crowd(uint32_t connections) : hand(params(connections)) {
    hand.shard.listen({.local = {kOurs, kOurPort}, .backlog = 64}, echo_, "echo");
    const double before = resident();
    iss_.reserve(connections);
    for (uint32_t i = 0; i < connections; ++i) {
      iss_.push_back(hand.syn(guest(i)).seq);
      hand.send(segment(guest(i), {kOurs, kOurPort}, wire::kAck, Seq(2), iss_[i] + 1));
    }
    if (hand.shard.usage().connections != connections) std::abort();
    resident_each = (resident() - before) / connections - sizeof(Seq) - sizeof(uint16_t);
    requests_.resize(connections);
  }

  uint32_t size() const { return static_cast<uint32_t>(iss_.size()); }
  void request(uint32_t i, Packet& packet) {
    build(i, wire::kAck | wire::kPsh, kOctets, packet);
    ++requests_[i];
  }
  void acknowledge(uint32_t i, Packet& packet) { build(i, wire::kAck, 0, packet); }

 private:
  static ShardParams params(uint32_t connections) {
    ShardParams params = params_for(connections + 64, 64, 64);
    params.tcp.keepalive = false;
    params.memory.buffer_bytes = 4ULL << 30;
    return params;
  }

  // It acknowledges every answer so far.
  void build(uint32_t i, wire::Flags flags, uint32_t length, Packet& packet) {
    const uint32_t octets = requests_[i] * kOctets;
    wire::Segment out = segment(guest(i), {kOurs, kOurPort}, flags, Seq(2) + octets, iss_[i] + 1 + octets);
    out.payload_length = length;
    wire::build_segment(packet, {.destination = kOurMac, .source = kPeerMac}, out, wire::Checksum::Software);
  }

  Echo echo_;

 public:
  Hand hand;
  double resident_each = 0;

 private:
  std::vector<Seq> iss_;
  std::vector<uint16_t> requests_;
};

// SYN, SYN-ACK, ACK: until the application has it.
void NewConnection(benchmark::State& state) {
  Crowd crowd(static_cast<uint32_t>(state.range(0)));
  Stopwatch watch(state);
  uint32_t number = crowd.size();
  for (auto _ : state) {
    Seq iss;
    watch.measure([&] {
      iss = crowd.hand.syn(guest(number)).seq;
      crowd.hand.send(segment(guest(number), {kOurs, kOurPort}, wire::kAck, Seq(2), iss + 1));
      return 1;
    });
    if (crowd.hand.shard.usage().connections != crowd.size() + 1) std::abort();
    crowd.hand.send(segment(guest(number), {kOurs, kOurPort}, wire::kRst, Seq(2)));
    number = crowd.size() + (number + 1 - crowd.size()) % 1000;
  }
  state.counters["resident_each"] = crowd.resident_each;
  watch.report();
}

// 32 requests of 64 octets in a burst, of connections that lie far apart, and their answers.
void Request(benchmark::State& state) {
  Crowd crowd(static_cast<uint32_t>(state.range(0)));
  Stopwatch watch(state);
  uint32_t first = 0;
  std::vector<Packet> burst(kBurst);
  const auto prepare = [&](void (Crowd::*make)(uint32_t, Packet&)) {
    for (uint32_t i = 0; i < kBurst; ++i) {
      burst[i] = crowd.hand.packet();
      (crowd.*make)((first + i * 7919) % crowd.size(), burst[i]);
    }
  };
  for (auto _ : state) {
    prepare(&Crowd::request);
    const uint64_t sent = crowd.hand.shard.counters().tcp_segments_sent.value();
    watch.measure([&] {
      crowd.hand.turn(burst);
      return kBurst;
    });
    if (crowd.hand.shard.counters().tcp_segments_sent.value() != sent + kBurst) std::abort();
    prepare(&Crowd::acknowledge);
    crowd.hand.turn(burst);
    first = (first + kBurst * 7919) % crowd.size();
  }
  state.counters["resident_each"] = crowd.resident_each;
  watch.report();
}

void sizes(benchmark::internal::Benchmark* one) {
  for (const int64_t count : {1'000, 10'000, 100'000, 1'000'000}) one->Arg(count);
  if (std::getenv("MILLRACE_BENCH_LARGE") != nullptr) one->Arg(10'000'000);
  one->UseManualTime()->Iterations(20'000);
}
BENCHMARK(NewConnection)->Apply(sizes);
BENCHMARK(Request)->Apply(sizes);

}  // namespace
}  // namespace millrace::bench
