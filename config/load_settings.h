// What `millrace load` is told beside what every endpoint is told: section [load].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/ranges.h"

namespace millrace::config {

// Enumerators stand in the order of the choices in the schema.
enum class LoadMode : uint8_t { Rps, Cps, Bulk, Concurrent, Handshake };
enum class LoadProtocol : uint8_t { Auto, Http, Rpc, Echo, Discard, Chargen };
enum class LoadDirection : uint8_t { Up, Down, Both };
enum class LoadClose : uint8_t { Auto, Server, Client, Reset };

struct LoadSettings {
  LoadMode mode = LoadMode::Rps;
  std::vector<Target> to;
  LoadProtocol protocol = LoadProtocol::Auto;
  uint32_t connections = 64;
  uint32_t depth = 1;
  uint64_t rate = 0;  // 0: as fast as it goes
  Micros duration = 10s;
  Micros warm_up = 1s;
  LoadDirection direction = LoadDirection::Down;
  LoadClose close = LoadClose::Auto;
  uint32_t request_bytes = 64;
  uint32_t response_bytes = 64;
  uint32_t work = 0;
  bool fast_open = false;
  std::string path = "/";
  std::vector<AddressRange> sources;
  std::optional<PortRange> source_ports;

  // What `auto` stands for.
  LoadProtocol chosen_protocol() const;
  LoadClose chosen_close() const;

  std::vector<IpAddress> source_addresses() const;
  uint64_t target_count() const;  // addresses and ports
};

}  // namespace millrace::config
