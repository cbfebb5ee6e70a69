// What an endpoint is told, as plain structs: the typed view that control/ takes to fill ShardParams and to
// start EAL, ports and services. Filled from the schema (config/schema.h), whose defaults are held equal to
// the ones below by a test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"
#include "config/load_settings.h"

namespace millrace::config {

// Enumerators stand in the order of the choices in the schema.
enum class HugePages : uint8_t { Auto, On, Off };
enum class IdleSetting : uint8_t { Auto, Poll, Pause, Sleep };
enum class LogLevel : uint8_t { Error, Warning, Info, Debug };
enum class ServiceKind : uint8_t { Http, Echo, Discard, Chargen, Rpc };

struct EalSettings {
  std::vector<std::string> args;  // one word an element, handed to EAL after our own
  HugePages huge_pages = HugePages::Auto;
  std::string file_prefix = "millrace";
  uint64_t memory_bytes = 0;  // whole MiB; 0: as much as is needed
  bool in_memory = true;
};

struct PortSettings {
  std::string name;  // NAME of [port.NAME]
  std::string vdev;  // exactly one of vdev and pci is set
  std::string pci;
  uint16_t mtu = 1500;             // octets of an IP packet
  uint16_t vlan = 0;               // 0: frames carry no tag
  std::optional<MacAddress> mac;   // nothing: the device's own
  uint16_t rx_descriptors = 1024;  // a queue
  uint16_t tx_descriptors = 1024;  // a queue
  uint16_t queues = 0;             // 0: one an lcore, as far as the device has them
};

struct MbufSettings {
  uint32_t rx_mbufs = 16384;  // of one lcore
  uint32_t tx_mbufs = 16384;  // of one lcore
};

struct LcoreSettings {
  std::vector<uint32_t> use;  // CPU numbers, ascending; empty: auto
  uint16_t burst = 32;        // packets taken from a queue at once
  IdleSetting idle = IdleSetting::Auto;
  Micros idle_after = 40us;  // polls on for so long after the last work, where that pays
  Micros idle_nap = 1ms;     // longest sleep on a link that wakes nobody
};

struct ControlSettings {
  std::string socket = "/run/millrace/control.sock";
  uint32_t mode = 0660;  // permission bits of the socket
  std::string group;     // empty: the process's own
  std::string metrics_listen;   // ADDRESS:PORT or a path; empty: metrics are not served
  bool metrics_remote = false;  // metrics_listen may be an address that other hosts reach
  LogLevel log_level = LogLevel::Info;
  Micros drain_timeout = 5s;  // connections may finish so long after SIGTERM
};

struct FleetSettings {
  std::string key_file;  // empty: no node shares our keys
};

struct ServiceSettings {
  std::string name;  // NAME of [service.NAME]
  ServiceKind kind = ServiceKind::Http;
  std::vector<Endpoint> listen;            // `80` is two: 0.0.0.0:80 and [::]:80
  std::string directory;                   // http: files served; empty: the built-in page
  uint64_t directory_bytes = 64ULL << 20;  // what they may hold together
  uint32_t backlog = 1024;
  bool fast_open = false;            // RFC 7413: off unless the application can bear it
  uint32_t fast_open_pending = 256;  // with fast_open: half-open connections of that kind
  uint32_t connections = 0;  // 0: no bound of its own
  ConnectionParams connection;  // of what it accepts
};

struct Settings {
  EalSettings eal;
  std::vector<PortSettings> ports;  // in the order of the file
  std::vector<Prefix> addresses;
  std::vector<Route> routes;
  TcpParams tcp;
  FleetSettings fleet;
  NeighborParams neighbor;
  IcmpParams icmp;
  MemoryParams memory;  // of one lcore
  MbufSettings mbufs;
  LcoreSettings lcores;
  ControlSettings control;
  std::vector<ServiceSettings> services;
  LoadSettings load;
};

}  // namespace millrace::config
