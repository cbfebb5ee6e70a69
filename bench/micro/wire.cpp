// Parsing and building frames: nanoseconds an operation on hot memory. `size` is the frame's length on the
// wire without link padding: 64 octets carry no or little payload, 1514 a full one.
//   build/release/bin/bench_wire
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "wire/build.h"
#include "wire/checksum.h"
#include "wire/parse.h"

namespace millrace::wire {
namespace {

constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 1}};

Segment segment_of(Family family) {
  Segment segment;
  const auto address = [&](uint8_t last) {
    return family == Family::V4 ? IpAddress::v4(10, 0, 0, last)
                                : IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
  };
  segment.flow = {.local = {address(1), 49152}, .remote = {address(2), 80}};
  segment.seq = Seq(0x11223344);
  segment.ack = Seq(0x55667788);
  segment.flags = kAck;
  segment.window = WireWindow(512);
  segment.options.timestamps = Timestamps{10, 20};
  return segment;
}

// A frame of `size` octets, or of its headers if they are longer.
void build(Packet& packet, Segment& segment, uint32_t size, Checksum checksum) {
  const uint32_t headers =
      tcp_headers_length(segment.flow.local.address.family(), segment.options, segment.flags.syn());
  segment.payload_length = size > headers ? size - headers : 0;
  build_segment(packet, {.destination = kOurMac, .source = kPeerMac}, segment, checksum);
}

// Arguments: family (4 or 6), size, whether the software sees to the checksum.
Family family_of(const benchmark::State& state) { return state.range(0) == 4 ? Family::V4 : Family::V6; }

void Parse(benchmark::State& state) {
  HeapPool pool(1, 2048);
  Packet packet = pool.allocate();
  std::memset(packet.data(), 0x5a, packet.capacity());
  Segment segment = segment_of(family_of(state));
  build(packet, segment, static_cast<uint32_t>(state.range(1)), Checksum::Software);
  if (state.range(2) == 0) packet.rx_checksum = RxChecksum::Good;
  Frame frame;
  for (auto _ : state) {
    parse_frame(packet, {.mac = kOurMac, .mtu = 1500}, frame);
    benchmark::DoNotOptimize(frame.tcp.seq);
    benchmark::ClobberMemory();
  }
  if (frame.kind != FrameKind::Tcp) state.SkipWithError("the frame was not accepted");
}

void Build(benchmark::State& state) {
  HeapPool pool(1, 2048);
  Packet packet = pool.allocate();
  std::memset(packet.data(), 0x5a, packet.capacity());
  Segment segment = segment_of(family_of(state));
  const Checksum checksum = state.range(2) == 0 ? Checksum::Offload : Checksum::Software;
  for (auto _ : state) {
    build(packet, segment, static_cast<uint32_t>(state.range(1)), checksum);
    benchmark::ClobberMemory();
  }
}

void Frames(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"v", "size", "software"});
  for (const int family : {4, 6})
    for (const int size : {64, 1514})
      for (const int software : {1, 0}) bench->Args({family, size, software});
}
BENCHMARK(Parse)->Apply(Frames);
BENCHMARK(Build)->Apply(Frames);

void SumOf(benchmark::State& state) {
  std::vector<uint8_t> octets(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) {
    benchmark::DoNotOptimize(sum_of(octets.data(), octets.size()).raw());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(SumOf)->Arg(20)->Arg(64)->Arg(1460);

void CopyAndSum(benchmark::State& state) {
  std::vector<uint8_t> from(static_cast<size_t>(state.range(0)), 0x5a), to(from.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(copy_and_sum(to.data(), from.data(), from.size()).raw());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(CopyAndSum)->Arg(64)->Arg(1460);

// For comparison with CopyAndSum: the two passes one after the other.
void CopyThenSum(benchmark::State& state) {
  std::vector<uint8_t> from(static_cast<size_t>(state.range(0)), 0x5a), to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(sum_of(to.data(), to.size()).raw());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(CopyThenSum)->Arg(64)->Arg(1460);

}  // namespace
}  // namespace millrace::wire
