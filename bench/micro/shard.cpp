// Two whole shards back to back, without a link: what a connection and a segment cost, both ends together.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cycles.h"
#include "shard/shard.h"
#include "wire/build.h"
#include "wire/parse.h"

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

// ---- SYN floods: one shard, frames made beforehand
// --------------------------------------------------------------------------------------------------

// What the peer's side of a handshake costs us alone.
class Target {
 public:
  explicit Target(uint32_t connections)
      : shard_(params_with(connections), wire::Checksum::Software, pool_, entropy_, now_) {
    shard_.listen({.local = {kAddress, kFirstPort}}, sink_, "sink");
  }
  // A SYN of the `number`th flow, or the ACK that answers `answer`.
  void add_syn(uint32_t number) { add(wire::kSyn, number, Seq(number), Seq(), std::nullopt); }
  void add_ack(const wire::Segment& answer, uint32_t number) {
    add(wire::kAck, number, answer.ack, answer.seq + 1, answer.options.timestamps->value);
  }
  void receive() {
    now_ += 1us;
    shard_.receive(burst_, now_, out_);
    burst_.clear();
  }
  void serve() {
    shard_.run(now_);
    shard_.transmit(now_, out_);
  }
  std::vector<wire::Segment> take() {
    std::vector<wire::Segment> answers;
    for (const Packet& packet : out_.packets()) {
      wire::Frame frame;
      wire::parse_frame(packet, {.mac = kPeerMac, .mtu = 1500}, frame);
      if (frame.kind == wire::FrameKind::Tcp) answers.push_back(frame.tcp);
    }
    out_.clear();
    return answers;
  }
  void drop_answers() { out_.clear(); }
  void abort_all() {
    shard_.abort_all(now_);
    serve();
    serve();
    out_.clear();
  }
  const Counters& counters() const { return std::as_const(shard_).counters(); }

 private:
  static constexpr IpAddress kAddress = IpAddress::v4(10, 0, 0, 2);
  static constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 1}};

  static ShardParams params_with(uint32_t connections) {
    ShardParams params = params_of(2, connections);
    params.tcp.syn_cookies = SynCookies::Always;
    return params;
  }
  void add(wire::Flags flags, uint32_t number, Seq seq, Seq ack, std::optional<uint32_t> echoed) {
    wire::Segment segment;
    segment.flow = {{IpAddress::v4(10, static_cast<uint8_t>(1 + number % 200),
                                   static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8)),
                     static_cast<uint16_t>(1024 + number % 60000)},
                    {kAddress, kFirstPort}};
    segment.seq = seq;
    segment.ack = ack;
    segment.flags = flags;
    segment.window = WireWindow(64000);
    if (flags.syn()) {
      segment.options.mss = Mss(1460);
      segment.options.window_scale = WindowScale(7);
      segment.options.timestamps = wire::Timestamps{number, 0};
    } else if (echoed) {
      segment.options.timestamps = wire::Timestamps{number, *echoed};
    }
    Packet packet = pool_.allocate();
    wire::build_segment(packet, {.destination = MacAddress({2, 0, 0, 0, 0, 2}), .source = kPeerMac}, segment,
                        wire::Checksum::Software);
    burst_.push_back(std::move(packet));
  }

  SeededEntropy entropy_{1};
  Instant now_{1s};
  HeapPool pool_{1024, 2048};
  PacketBatch out_{256};
  std::vector<Packet> burst_;
  Echo sink_;
  shard::Shard shard_;
};

// A SYN that is answered by a cookie, the SYN-ACK's frame included.
void SynToCookie(benchmark::State& state) {
  Target target(1);
  Stopwatch watch(state);
  uint32_t number = 0;
  for (auto _ : state) {
    for (uint32_t i = 0; i < kBurst; ++i) target.add_syn(number++);
    watch.measure([&] {
      target.receive();
      return kBurst;
    });
    target.drop_answers();
  }
  watch.report();
}
BENCHMARK(SynToCookie)->UseManualTime();

// The ACK that brings it back: a connection is made, its application told.
void CookieToConnection(benchmark::State& state) {
  Target target(kBurst);
  Stopwatch watch(state);
  uint32_t number = 0;
  for (auto _ : state) {
    const uint32_t first = number;
    for (uint32_t i = 0; i < kBurst; ++i) target.add_syn(number++);
    target.receive();
    const std::vector<wire::Segment> answers = target.take();
    for (uint32_t i = 0; i < kBurst; ++i) target.add_ack(answers[i], first + i);
    watch.measure([&] {
      target.receive();
      target.serve();
      return kBurst;
    });
    target.abort_all();
  }
  if (target.counters().tcp_syn_cookies_accepted.value() != number) std::abort();
  watch.report();
}
BENCHMARK(CookieToConnection)->UseManualTime();

// An ACK that brings none: looked at and answered by a RST.
void RandomAck(benchmark::State& state) {
  Target target(1);
  target.add_syn(1);  // from now on an ACK may bring a cookie
  target.receive();
  wire::Segment answer = target.take().at(0);
  Stopwatch watch(state);
  uint32_t number = 0;
  for (auto _ : state) {
    for (uint32_t i = 0; i < kBurst; ++i) {
      answer.seq += 7919;
      target.add_ack(answer, number++);
    }
    watch.measure([&] {
      target.receive();
      return kBurst;
    });
    target.drop_answers();
  }
  watch.report();
}
BENCHMARK(RandomAck)->UseManualTime();

}  // namespace
}  // namespace millrace::bench
