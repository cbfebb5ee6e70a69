// Ranges as `load` takes them: ports of a server, own addresses, own ports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace millrace::config {

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;  // inclusive
  uint32_t count() const { return uint32_t{last} - first + 1; }
  std::string text() const;  // 80 or 80-83
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

// One address of a server and ports of it.
struct Target {
  IpAddress address;
  PortRange ports;
  std::string text() const;  // 10.0.0.2:80-83 or [2001:db8::2]:80
  friend auto operator<=>(const Target&, const Target&) = default;
};

struct AddressRange {
  static constexpr uint32_t kLimit = 1024;
  IpAddress first;
  IpAddress last;  // inclusive, of the same family and at most kLimit - 1 further
  std::vector<IpAddress> all() const;
  std::string text() const;  // 10.0.0.10 or 10.0.0.10-10.0.0.20
  friend auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

std::optional<PortRange> parse_port_range(std::string_view text);
std::optional<Target> parse_target(std::string_view text);
std::optional<AddressRange> parse_address_range(std::string_view text);

}  // namespace millrace::config
