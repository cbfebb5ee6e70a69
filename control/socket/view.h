// What the control socket may see and ask of a running endpoint. `serve` implements it, the handlers of this
// folder use it, tests put a fake in its place. Neighbours: methods.h (what can be asked), server.h (the
// thread that asks).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/counters.h"

namespace millrace::shard {
class Shard;
}

namespace millrace::control {

struct PortInfo {
  std::string name;    // of [port.NAME]
  std::string device;  // as EAL names it: net_tap0, 0000:01:00.0
  std::string driver;  // net_tap
  std::string mac;
  uint16_t mtu_bytes = 0;
  uint16_t queues = 0;
};

struct ServiceInfo {
  std::string name;
  std::string kind;                 // http, echo, discard, chargen, rpc
  std::vector<std::string> listen;  // 10.0.0.2:80
};

struct EndpointInfo {
  std::string dpdk_version;            // empty: there is none (simulations)
  std::string config_file;             // empty: told by the command line alone
  std::vector<std::string> addresses;  // 10.0.0.2/24
  std::vector<PortInfo> ports;
  std::vector<ServiceInfo> services;
  std::chrono::milliseconds uptime{};
  bool draining = false;
};

// Runs on the lcore of a shard, between two bursts: it copies what it came for and returns. It owns all that
// it touches but the shard, because it may run long after its asker has given up.
using Question = std::function<void(shard::Shard&)>;

// Every member is called by the control thread alone and none waits for an lcore.
class EndpointView {
 public:
  EndpointView() = default;
  EndpointView(const EndpointView&) = delete;
  EndpointView& operator=(const EndpointView&) = delete;
  virtual ~EndpointView() = default;

  // The counters of each shard, in the order of the shards; they live as long as the view.
  virtual std::span<const Counters* const> counters() const = 0;
  virtual EndpointInfo info() const = 0;

  // Puts a question into the mailbox of a shard (shard < counters().size()). False: the mailbox is full or
  // the lcore has stopped, and the question will never run. True: it runs once, or never if the lcore stops
  // first. Who runs it hands it back to be destroyed off the lcore.
  virtual bool post(unsigned shard, Question question) = 0;

  // Asks the endpoint to drain and stop, as SIGTERM does; returns at once.
  virtual void request_drain() = 0;
};

}  // namespace millrace::control
