// Router discovery on the wire (RFC 4861 §4.1, §4.2, §4.6; RFC 4191 §2.2). Neighbours: arp_nd.h has the rest
// of neighbour discovery; ip/router_discovery.h for what is done with it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/address.h"
#include "base/packet.h"
#include "wire/build.h"
#include "wire/parse.h"

namespace millrace::wire {

// Seconds; all ones: without end (RFC 4861 §4.6.2).
inline constexpr uint32_t kInfiniteLifetime = 0xffff'ffff;

struct PrefixInformation {
  Prefix prefix;  // without bits beyond its length
  bool on_link = false;
  bool autonomous = false;
  uint32_t valid_seconds = 0;
  uint32_t preferred_seconds = 0;
};

enum class RouterPreference : int8_t { Low = -1, Medium = 0, High = 1 };

struct RouterAdvertisement {
  static constexpr size_t kMostPrefixes = 16;  // more are not looked at

  IpAddress router;
  RouterPreference preference = RouterPreference::Medium;
  uint16_t lifetime_seconds = 0;  // 0: it is no default router
  uint32_t reachable_ms = 0;      // 0: unspecified, as below
  uint32_t retransmit_ms = 0;
  std::optional<MacAddress> mac;
  std::optional<uint32_t> mtu;
  uint8_t prefix_count = 0;
  std::array<PrefixInformation, kMostPrefixes> prefixes;
};

// The fields of a message that nd_message_valid() has passed; none: it is of another type.
std::optional<RouterAdvertisement> parse_router_advertisement(const Frame& frame);

// To all routers; `source` may be unspecified, and then no link-layer address is told (RFC 4861 §4.1). False:
// no room.
bool build_router_solicitation(Packet& packet, const MacAddress& mac, const IpAddress& source);

}  // namespace millrace::wire
