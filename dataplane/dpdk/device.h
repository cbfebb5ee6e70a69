// The text by which a port is named: `net_tap0,iface=mr0` or `0000:01:00.0`, with arguments after commas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::dpdk {

struct Device {
  std::string name;  // net_tap0
  std::vector<std::pair<std::string, std::string>> arguments;

  static Device parse(std::string_view text);
  std::string argument_text() const;  // iface=mr0,mac=fixed
  std::optional<std::string_view> argument(std::string_view key) const;
  std::optional<uint32_t> number(std::string_view key) const;
  // Adds key=value unless the key is there.
  void complete(std::string_view key, std::string_view value);
};

}  // namespace millrace::dpdk
