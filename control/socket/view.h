// What the control socket may see and ask of a running endpoint. `serve` implements it, the handlers of this
// folder use it, tests put a fake in its place. Neighbours: methods.h (what can be asked), server.h (the
// thread that asks).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
  // What follows is about a second old.
  bool link_up = false;
  bool rss = false;             // told to spread flows over its queues
  uint16_t rx_descriptors = 0;  // a queue
  uint16_t tx_descriptors = 0;
  std::string checksum;  // of TCP: who computes it
  std::vector<std::string> offloads;
  uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;  // as the device counts
  uint64_t rx_missed = 0, rx_errors = 0, rx_no_buffer = 0, tx_errors = 0;
  std::chrono::steady_clock::time_point read_at{};  // these
};

// What a device counts, declared once: `stats`, `ports` and metrics read this table.
struct PortCounterInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  uint64_t PortInfo::*member;
};
inline constexpr auto kPortCounterInfos = std::to_array<PortCounterInfo>({
    {"rx_packets", "packets", "Frames received, as the device counts.", &PortInfo::rx_packets},
    {"rx_bytes", "bytes", "Octets received, as the device counts.", &PortInfo::rx_bytes},
    {"tx_packets", "packets", "Frames sent, as the device counts.", &PortInfo::tx_packets},
    {"tx_bytes", "bytes", "Octets sent, as the device counts.", &PortInfo::tx_bytes},
    {"rx_missed", "packets", "Frames lost by the device: its ring was full.", &PortInfo::rx_missed},
    {"rx_errors", "packets", "Frames received with an error.", &PortInfo::rx_errors},
    {"rx_no_buffer", "packets", "Frames lost for want of mbufs.", &PortInfo::rx_no_buffer},
    {"tx_errors", "packets", "Frames that the device failed to send.", &PortInfo::tx_errors},
});

// A key of the configuration as it holds now.
struct ConfigValue {
  std::string key;
  std::string value;
  std::string origin;  // endpoint.conf:12, --set tcp.msl=5s, default
  bool live = false;   // may change without a restart
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

// A change that is asked for. It is checked whole before anything is done, then every shard is told between
// two bursts.
struct ChangeRequest {
  enum class Kind : uint8_t { Reload, Set };
  Kind kind = Kind::Reload;
  bool check_only = false;  // says what would change
  std::string key;          // of Set
  std::string value;
};

struct KeyChange {
  std::string key;
  std::string before;
  std::string after;
};

struct ChangeReport {
  std::vector<std::string> problems;  // not empty: nothing has changed
  std::vector<KeyChange> applied;     // or would be, with check_only
  std::vector<KeyChange> restart;     // differ from what runs and need a restart
};

// Written by whoever carries the change out, read once `done` is seen.
struct ChangeTicket {
  ChangeRequest request;
  ChangeReport report;
  std::atomic<bool> done{false};
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

  // The configuration in force; empty: it is not known.
  virtual std::vector<ConfigValue> config() const { return {}; }
  // Asks for a change; returns at once. Null: this endpoint takes none, or too many wait.
  virtual std::shared_ptr<ChangeTicket> request_change(ChangeRequest) { return nullptr; }

  // Asks the endpoint to drain and stop, as SIGTERM does; returns at once.
  virtual void request_drain() = 0;
};

}  // namespace millrace::control
