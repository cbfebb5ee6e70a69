// Neighbour: router.h.
#include "wire/router.h"

#include <cstring>

#include "wire/arp_nd.h"
#include "wire/bytes.h"
#include "wire/icmp.h"

namespace millrace::wire {

namespace {

constexpr uint8_t kSourceLinkAddress = 1, kPrefixInformation = 3, kMtu = 5;
constexpr size_t kFixed = 16;

// RFC 4191 §2.1: the reserved value counts as medium.
RouterPreference preference_of(uint8_t flags) {
  switch (flags >> 3 & 3) {
    case 1:
      return RouterPreference::High;
    case 3:
      return RouterPreference::Low;
    default:
      return RouterPreference::Medium;
  }
}

// RFC 4861 §4.6.2, §6.3.4: a link-local prefix is known to be on the link; a group's is nobody's.
std::optional<PrefixInformation> prefix_of(const uint8_t* option) {
  const uint8_t length = option[2];
  const IpAddress address = IpAddress::from_v6_wire(option + 16);
  if (length > 128 || address.is_link_local() || address.is_multicast() || address.is_v4() ||
      address.is_loopback())
    return std::nullopt;
  const IpAddress network = Prefix{address, length}.network();
  return PrefixInformation{.prefix = {network, length},
                           .on_link = (option[3] & 0x80) != 0,
                           .autonomous = (option[3] & 0x40) != 0,
                           .valid_seconds = get32(option + 4),
                           .preferred_seconds = get32(option + 8)};
}

void take_option(const uint8_t* option, size_t length, RouterAdvertisement& out) {
  if (option[0] == kSourceLinkAddress && length == 8) {
    std::array<uint8_t, 6> octets;
    std::memcpy(octets.data(), option + 2, octets.size());
    const MacAddress mac(octets);
    if (!mac.is_multicast() && !mac.is_zero()) out.mac = mac;
  } else if (option[0] == kMtu && length == 8) {
    out.mtu = get32(option + 4);
  } else if (option[0] == kPrefixInformation && length == 32 &&
             out.prefix_count < RouterAdvertisement::kMostPrefixes) {
    if (const auto prefix = prefix_of(option)) out.prefixes[out.prefix_count++] = *prefix;
  }
}

}  // namespace

std::optional<RouterAdvertisement> parse_router_advertisement(const Frame& frame) {
  std::span<const uint8_t> message = frame.message;
  if (message.size() < kFixed || message[0] != icmp6::kRouterAdvert) return std::nullopt;
  RouterAdvertisement out;
  out.router = frame.source;
  out.lifetime_seconds = get16(message.data() + 6);
  // RFC 4191 §2.2: of one that is no default router it means nothing.
  if (out.lifetime_seconds != 0) out.preference = preference_of(message[5]);
  out.reachable_ms = get32(message.data() + 8);
  out.retransmit_ms = get32(message.data() + 12);
  message = message.subspan(kFixed);
  while (message.size() >= 8) {
    const size_t length = size_t{message[1]} * 8;
    if (length == 0 || length > message.size()) break;
    take_option(message.data(), length, out);
    message = message.subspan(length);
  }
  return out;
}

bool build_router_solicitation(Packet& packet, const MacAddress& mac, const IpAddress& source) {
  const IpAddress routers = IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  std::array<uint8_t, 8> option{kSourceLinkAddress, 1};
  std::memcpy(option.data() + 2, mac.octets().data(), 6);
  return build_icmp(packet, {.destination = group_mac(routers), .source = mac},
                    {.source = source, .destination = routers, .hop_limit = 255},
                    {.type = icmp6::kRouterSolicit,
                     .code = 0,
                     .rest = 0,
                     .body = std::span(option).first(source.is_unspecified() ? 0U : option.size())});
}

}  // namespace millrace::wire
