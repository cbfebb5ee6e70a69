// Bulk senders through one bottleneck, for tests of congestion control: some connections from one host to another, all
// through the same queue.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "app/connection.h"
#include "sim/world.h"

namespace millrace::sim::test {

// One direction: sends without end, or `octets`; the other end counts.
struct BulkSink final : app::Handler {
  void on_established(app::Connection& at) override { connection = &at; }
  void on_readable(app::Connection& at) override {
    while (!at.readable().empty()) {
      const auto run = at.readable();
      received += run.size();
      at.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_peer_finished(app::Connection& at) override { at.close(); }
  void on_closed(app::Connection&, app::CloseReason) override { connection = nullptr; }
  app::Connection* connection = nullptr;
  uint64_t received = 0;
};

struct BulkSource final : app::Handler {
  void on_established(app::Connection& at) override {
    connection = &at;
    on_writable(at);
  }
  void on_writable(app::Connection& at) override {
    static const std::vector<uint8_t> text(65'536, 0x55);
    while (sent < octets) {
      const uint32_t took = at.send({text.data(), static_cast<size_t>(std::min<uint64_t>(text.size(), octets - sent))});
      sent += took;
      if (took == 0) return;
    }
    at.request_writable();
  }
  void on_closed(app::Connection&, app::CloseReason) override { connection = nullptr; }
  app::Connection* connection = nullptr;
  uint64_t octets = ~uint64_t{0};
  uint64_t sent = 0;
};

struct Bottleneck {
  uint64_t bits_per_second = 50'000'000;
  Micros round_trip = 40ms;
  double queue_bdps = 1;  // its room, in products of rate and round trip
  QueueParams queue{};
  FaultRates faults{};

  double bdp_octets() const {
    return static_cast<double>(bits_per_second) / 8 * std::chrono::duration<double>(round_trip).count();
  }
};

class BulkWorld {
 public:
  BulkWorld(const Bottleneck& neck, uint64_t seed, TcpParams client_tcp = {}, TcpParams server_tcp = {})
      : neck_(neck), world(seed) {
    ShardParams client = host_params(1), server = host_params(2);
    client.tcp = client_tcp;
    server.tcp = server_tcp;
    HostOptions options;
    options.receive_packets = options.transmit_packets = 16'384;
    left = world.add_host("client", client, options);
    right = world.add_host("server", server, options);
    LinkParams link{.delay = neck.round_trip / 2};
    world.link(right, left).set_params(link);
    link.bits_per_second = neck.bits_per_second;
    link.queue_frames = std::max<size_t>(4, static_cast<size_t>(neck.bdp_octets() * neck.queue_bdps / 1514));
    link.queue = neck.queue;
    link.faults = neck.faults;
    world.link(left, right).set_params(link);
  }
  // One more sender, by `algorithm`, from now on.
  size_t add(CongestionControl algorithm, Family family = Family::V4) {
    sources.push_back(std::make_unique<BulkSource>());
    sinks.push_back(std::make_unique<BulkSink>());
    const auto port = static_cast<uint16_t>(79 + sinks.size());
    const Endpoint to{host_address(2, family), port};
    world.shard(right).listen({.local = to}, *sinks.back(), "sink");
    ConnectionParams settings;
    settings.congestion_control = algorithm;
    world.in(left, 0us, [this, to, settings, source = sources.back().get()] {
      world.shard(left).connect(
          {.remote = to, .local_address = {}, .local_port = {}, .settings = settings}, *source);
    });
    return sources.size() - 1;
  }
  // The share of the bottleneck's rate that each sink takes in `time` from now, headers not counted.
  std::vector<double> shares(Micros time) {
    std::vector<uint64_t> before;
    for (const auto& sink : sinks) before.push_back(sink->received);
    world.run_for(time);
    std::vector<double> out;
    const double most = static_cast<double>(neck_.bits_per_second) / 8 * std::chrono::duration<double>(time).count();
    for (size_t i = 0; i < before.size(); ++i)
      out.push_back(static_cast<double>(sinks[i]->received - before[i]) / most);
    return out;
  }
  const Counters& counters() { return world.shard(left).counters(); }

 private:
  Bottleneck neck_;

 public:
  World world;
  HostId left = 0, right = 0;
  std::vector<std::unique_ptr<BulkSource>> sources;
  std::vector<std::unique_ptr<BulkSink>> sinks;
};

inline double sum(const std::vector<double>& all) {
  double total = 0;
  for (const double one : all) total += one;
  return total;
}
// Jain, Chiu, Hawe 1984: 1 when all have the same.
inline double jain(const std::vector<double>& all) {
  double squares = 0;
  for (const double one : all) squares += one * one;
  return sum(all) * sum(all) / (static_cast<double>(all.size()) * squares);
}

}  // namespace millrace::sim::test
