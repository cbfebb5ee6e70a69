// An endpoint without a NIC for the control socket to look at: real shards, whose lcore is a thread, or
// nobody.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "app/handler.h"
#include "base/entropy.h"
#include "base/packet.h"
#include "control/socket/view.h"
#include "shard/shard.h"

namespace millrace::control::test {

inline ShardParams shard_params() {
  ShardParams params;
  params.interface.mac = MacAddress({0x02, 0, 0, 0, 0, 0x01});
  params.interface.addresses = {*Prefix::parse("10.0.0.2/24")};
  params.interface.routes = {{*Prefix::parse("10.1.0.0/16"), IpAddress::v4(10, 0, 0, 1)}};
  params.memory.connections = 4096;
  params.memory.buffer_bytes = 1 << 20;
  params.memory.trace_segments = 256;
  return params;
}

// One shard with nobody on its link.
struct LonelyShard {
  HeapPool pool{512, 2048};
  SeededEntropy entropy{7};
  app::Handler handler;
  PacketBatch out{512};
  shard::Shard shard{shard_params(), wire::Checksum::Software, pool, entropy, Instant{}};

  ~LonelyShard() {
    shard.abort_all(Instant{});
    out.clear();
  }
  void listen(uint16_t port, std::string_view name) {
    ListenerParams params;
    params.local = {IpAddress::v4(0, 0, 0, 0), port};
    shard.listen(params, handler, name);
  }
  // Connections in SYN-SENT to 10.0.0.9, ports 1000 + `from` and on.
  void connect(unsigned count, Instant now = Instant{}, unsigned from = 0) {
    pass_to(now);
    for (unsigned i = 0; i < count; ++i) {
      app::ConnectOptions options;
      options.remote = {IpAddress::v4(10, 0, 0, 9), static_cast<uint16_t>(1000 + from + i)};
      shard.connect(options, handler);
    }
    shard.transmit(now, out);
    out.clear();
  }
  void pass_to(Instant now) {
    shard.expire(now, out);
    shard.run(now);
    out.clear();
  }
};

class FakeEndpoint final : public EndpointView {
 public:
  enum class Lcore { Answers, Silent, Full };

  explicit FakeEndpoint(unsigned shards = 1) {
    for (unsigned i = 0; i < shards; ++i) {
      shards_.push_back(std::make_unique<LonelyShard>());
      counters_.push_back(&shards_.back()->shard.counters());
    }
  }
  ~FakeEndpoint() override { stop_lcore(); }

  LonelyShard& shard(unsigned i) { return *shards_[i]; }

  // Serves the questions, and counts as it goes, until stop_lcore().
  void start_lcore() {
    lcore_ = std::thread([this] {
      while (!stopping_) {
        for (auto& each : shards_) each->shard.counters().loop_iterations.add();
        serve();
        std::this_thread::yield();
      }
    });
  }
  void stop_lcore() {
    stopping_ = true;
    if (lcore_.joinable()) lcore_.join();
  }
  // Answers what waits; returns how many questions that were.
  size_t serve() {
    std::deque<std::pair<unsigned, Question>> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(mailbox_);
    }
    for (auto& [shard, question] : taken) question(shards_[shard]->shard);
    return taken.size();
  }

  std::span<const Counters* const> counters() const override { return counters_; }
  EndpointInfo info() const override {
    EndpointInfo info;
    info.dpdk_version = "DPDK 22.11.11";
    info.addresses = {"10.0.0.2/24"};
    PortInfo& port = info.ports.emplace_back();
    port.name = "p0";
    port.device = "net_tap0";
    port.driver = "net_tap";
    port.mac = "02:00:00:00:00:01";
    port.mtu_bytes = 1500;
    port.queues = 1;
    port.link_up = true;
    port.read_at = std::chrono::steady_clock::now();
    port.offloads = {"ipv4-cksum"};
    port.checksum = "in software";
    info.services = {{"web", "http", {"0.0.0.0:80", "[::]:80"}}};
    info.uptime = std::chrono::seconds(75);
    info.draining = drained;
    return info;
  }
  bool post(unsigned shard, Question question) override {
    if (mode == Lcore::Full) return false;
    const std::lock_guard lock(mutex_);
    mailbox_.emplace_back(shard, std::move(question));
    return true;
  }
  std::vector<ConfigValue> config() const override {
    return {{"tcp.msl", "30s", "default", true}, {"tcp.rto_min", "200ms", "endpoint.conf:3", true},
            {"lcores.burst", "32", "default", false}};
  }
  // Done at once: `msl` is taken, everything else is refused. A silent lcore never does anything.
  std::shared_ptr<ChangeTicket> request_change(ChangeRequest request) override {
    if (mode == Lcore::Full) return nullptr;
    auto ticket = std::make_shared<ChangeTicket>();
    if (request.kind == ChangeRequest::Kind::Set && request.key != "tcp.msl" && request.key != "control.log_level")
      ticket->report.problems.push_back(request.key + ": a change needs a restart; set it in the file");
    else
      ticket->report.applied.push_back({"tcp.msl", "30s", request.value});
    ticket->request = std::move(request);
    ticket->done = mode == Lcore::Answers;
    return ticket;
  }
  void request_drain() override { drained = true; }

  std::atomic<Lcore> mode{Lcore::Answers};
  std::atomic<bool> drained{false};

 private:
  std::vector<std::unique_ptr<LonelyShard>> shards_;
  std::vector<const Counters*> counters_;
  std::mutex mutex_;
  std::deque<std::pair<unsigned, Question>> mailbox_;
  std::atomic<bool> stopping_{false};
  std::thread lcore_;
};

}  // namespace millrace::control::test
