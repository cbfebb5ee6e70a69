// What --so_flags says: `key=value,key=value`. The adapter's own keys (mtu, local, remote, gateway, ctl), or
// any key of the config schema.
#pragma once

#include <string>
#include <string_view>

#include "base/params.h"
#include "config/settings.h"

namespace millrace::packetdrill {

struct Flags {
  Flags();
  explicit Flags(const char* text);

  // One key of the schema, as a file would have it; false: there is none, or the value does not fit.
  bool set(std::string_view key, std::string_view value);
  ShardParams shard_params() const;

  uint16_t mtu = 1500;
  // The tool's own defaults.
  std::vector<IpAddress> locals;
  IpAddress gateway_v4;
  IpAddress gateway_v6;
  std::string control_directory;
  config::Settings settings;
};

// The adapter's and the peer's ends of the link that is not there.
inline constexpr MacAddress kOurMac{{0x02, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kGatewayMac{{0x02, 0, 0, 0, 0, 2}};

}  // namespace millrace::packetdrill
