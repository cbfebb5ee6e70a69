// What connections cost that do nothing: octets of each kind at a million, all tables included; and what an
// active open costs when its ports rest in TIME-WAIT. One shard, and a hand that plays its peer.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>

#include "cycles.h"
#include "hand.h"
#include "tcp/close/time_wait.h"
#include "tcp/open/syn_queue.h"

namespace millrace::bench {
namespace {

class Quiet final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override {
    if (closes) connection.close();
  }
  void on_closed(app::Connection&, app::CloseReason) override {}
  bool closes = false;
};

void weigh(benchmark::State& state, const ShardParams& params, size_t record, bool closes,
           const std::function<void(Hand&, uint32_t)>& make, uint32_t shard::Shard::Usage::*count) {
  const auto number = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    Quiet quiet;
    quiet.closes = closes;
    Hand hand(params);
    hand.shard.listen({.local = {kOurs, kOurPort}, .backlog = number}, quiet, "quiet");
    const double heap_before = heap(), resident_before = resident();
    state.ResumeTiming();
    for (uint32_t i = 0; i < number; ++i) make(hand, i);
    state.PauseTiming();
    if (hand.shard.usage().*count != number) std::abort();
    state.counters["record"] = static_cast<double>(record);
    state.counters["heap_each"] = (heap() - heap_before) / number;
    state.counters["resident_each"] = (resident() - resident_before) / number;
    state.ResumeTiming();
  }
}

void Embryonic(benchmark::State& state) {
  const auto number = static_cast<uint32_t>(state.range(0));
  weigh(
      state, params_for(64, number, 64), sizeof(tcp::SynRecord), false,
      [](Hand& hand, uint32_t i) { hand.syn(guest(i)); }, &shard::Shard::Usage::syn_records);
}
BENCHMARK(Embryonic)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void IdleEstablished(benchmark::State& state) {
  const auto number = static_cast<uint32_t>(state.range(0));
  weigh(
      state, params_for(number, 64, 64), sizeof(app::Connection), false,
      [](Hand& hand, uint32_t i) { hand.establish(guest(i)); }, &shard::Shard::Usage::connections);
}
BENCHMARK(IdleEstablished)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

// The listener's side closes first.
void TimeWait(benchmark::State& state) {
  const auto number = static_cast<uint32_t>(state.range(0));
  weigh(
      state, params_for(64, 64, number), sizeof(tcp::TimeWaitRecord), true,
      [](Hand& hand, uint32_t i) {
        const wire::Segment fin = hand.establish(guest(i));
        hand.send(segment(guest(i), {kOurs, kOurPort}, wire::kFin | wire::kAck, Seq(2), fin.seq + 1));
      },
      &shard::Shard::Usage::time_wait_records);
}
BENCHMARK(TimeWait)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

// connect() towards one address and port while `range` of a thousand ephemeral ports rest in TIME-WAIT;
// `reusable`: their timestamps allow that they are taken over.
void OpenBesideTimeWait(benchmark::State& state, bool reusable) {
  constexpr uint32_t kPorts = 28'232;
  ShardParams params = params_for(1024, 64, kPorts);
  params.tcp.msl = 600s;
  Hand hand(params);
  Quiet quiet;
  quiet.closes = true;
  const Endpoint remote{IpAddress::v4(10, 0, 0, 3), 80};
  const auto open = [&](std::optional<uint16_t> port) {
    return hand.shard.connect({.remote = remote, .local_address = {}, .local_port = port}, quiet).connection;
  };
  const auto resting = static_cast<uint32_t>(kPorts * state.range(0) / 1000);
  for (uint32_t i = 0; i < resting; ++i) {
    // Scattered: by a step that has no divisor in common with the number of ports.
    const auto port = static_cast<uint16_t>(32'768 + i * 9'973 % kPorts);
    if (open(port) == nullptr) std::abort();
    const wire::Segment syn = hand.run();
    wire::Segment answer = segment(remote, {kOurs, port}, wire::kSyn | wire::kAck, Seq(1), syn.seq + 1);
    if (reusable) answer.options.timestamps = wire::Timestamps{.value = 1, .echo_reply = 0};
    hand.send(answer);
    answer.seq = Seq(2);
    answer.ack = syn.seq + 2;
    answer.flags = wire::kFin | wire::kAck;
    hand.send(answer);
  }
  if (hand.shard.usage().time_wait_records != resting) std::abort();
  hand.pass(1s);
  hand.run();
  Stopwatch watch(state);
  uint64_t opened = 0, asked = 0;
  for (auto _ : state) {
    std::array<app::Connection*, 8> opens{};
    watch.measure([&] {
      for (app::Connection*& one : opens) one = open(std::nullopt);
      return opens.size();
    });
    for (app::Connection* one : opens) {
      ++asked;
      if (one == nullptr) continue;
      ++opened;
      one->abort();
    }
    hand.run();
  }
  state.counters["opened"] = static_cast<double>(opened) / static_cast<double>(asked);
  watch.report();
}
BENCHMARK_CAPTURE(OpenBesideTimeWait, not_reusable, false)
    ->Arg(0)
    ->Arg(500)
    ->Arg(900)
    ->Arg(990)
    ->Arg(1000)
    ->UseManualTime()
    ->Iterations(2000);
BENCHMARK_CAPTURE(OpenBesideTimeWait, reusable, true)->Arg(900)->UseManualTime()->Iterations(200);

}  // namespace
}  // namespace millrace::bench
