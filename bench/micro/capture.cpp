// What a capture costs an lcore a frame: bursts of 32 frames that pass a CapturePoint without a lane, past a
// filter that wants none of them, and into a lane, headers alone or whole. A reader empties the lane between
// two bursts.
#include "dpdk/capture.h"

#include <benchmark/benchmark.h>
#include <rte_mbuf.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "cycles.h"

namespace {

using namespace millrace;
using namespace millrace::dpdk;
using bench::Stopwatch;

constexpr size_t kBurst = 32;
constexpr size_t kBursts = 16;  // measured together, as many frames as a lane holds
constexpr size_t kLane = 4 << 20;

// tcp port 9, of which there is none.
constexpr const char* kPort9 =
    "20,40 0 0 12,21 0 6 34525,48 0 0 20,21 0 15 6,40 0 0 54,21 12 0 9,40 0 0 56,21 10 11 9,"
    "21 0 10 2048,48 0 0 23,21 0 8 6,40 0 0 20,69 6 0 8191,177 0 0 14,72 0 0 14,21 2 0 9,72 0 0 16,"
    "21 0 1 9,6 0 0 65535,6 0 0 0";

struct Frames {
  explicit Frames(size_t length)
      : octets(kBurst * kBursts, std::vector<uint8_t>(length)), mbufs(octets.size()) {
    for (size_t i = 0; i < octets.size(); ++i) {
      octets[i][12] = 8;  // IPv4
      octets[i][14] = 0x45;
      octets[i][23] = 6;   // TCP
      octets[i][35] = 80;  // from port 80
      mbufs[i].buf_addr = octets[i].data();
      mbufs[i].data_len = static_cast<uint16_t>(length);
      mbufs[i].pkt_len = mbufs[i].data_len;
      mbufs[i].nb_segs = 1;
      pointers.push_back(&mbufs[i]);
    }
  }
  std::span<rte_mbuf* const> burst(size_t number) const {
    return std::span(pointers).subspan(number * kBurst, kBurst);
  }

  std::vector<std::vector<uint8_t>> octets;
  std::vector<rte_mbuf> mbufs;
  std::vector<rte_mbuf*> pointers;
};

void drain(CaptureLane& lane) {
  CaptureLane::Frame frame;
  while (lane.front(frame)) lane.pop();
}

void pass(benchmark::State& state, CapturePoint& point) {
  const Frames frames(static_cast<size_t>(state.range(0)));
  Stopwatch watch(state);
  for (auto _ : state) {
    watch.measure([&] {
      for (size_t i = 0; i < kBursts; ++i) {
        benchmark::DoNotOptimize(&point);
        benchmark::ClobberMemory();
        if (CaptureLane* lane = point.lane()) [[unlikely]]
          lane->take(frames.burst(i), CaptureDirection::In);
      }
      return kBursts * kBurst;
    });
    if (CaptureLane* lane = point.lane()) drain(*lane);
  }
  watch.report();
}

void with(benchmark::State& state, const char* program, uint32_t snap_length) {
  CapturePoint point;
  auto lane = std::make_shared<CaptureLane>(
      CaptureParams{.filter = *CaptureFilter::parse(program), .snap_length = snap_length}, kLane);
  point.exchange(lane);
  pass(state, point);
}

void no_capture(benchmark::State& state) {
  CapturePoint point;
  pass(state, point);
}
void none_wanted(benchmark::State& state) { with(state, kPort9, 65535); }
void headers_of_all(benchmark::State& state) { with(state, "", 96); }
void all_whole(benchmark::State& state) { with(state, "", 65535); }

}  // namespace

BENCHMARK(no_capture)->UseManualTime()->Arg(64)->Arg(1514);
BENCHMARK(none_wanted)->UseManualTime()->Arg(64)->Arg(1514);
BENCHMARK(headers_of_all)->UseManualTime()->Arg(64)->Arg(1514);
BENCHMARK(all_whole)->UseManualTime()->Arg(64)->Arg(1514);
