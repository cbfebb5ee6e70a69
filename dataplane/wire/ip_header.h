// Ethernet and IP headers on the way out: the one place where sending differs by family. Neighbours:
// build.cpp (TCP), icmp.cpp and arp_nd.cpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/layers.h"

namespace millrace::wire {

inline constexpr uint32_t kIp4Header = 20;
inline constexpr uint32_t kIp6Header = 40;

constexpr uint32_t ip_header_length(Family family) { return family == Family::V4 ? kIp4Header : kIp6Header; }

struct IpOut {
  const IpAddress& source;
  const IpAddress& destination;
  uint8_t protocol;
  uint8_t hop_limit;
  uint8_t traffic_class;  // Diffserv codepoint and ECN bits
  uint32_t payload_length;
  bool may_fragment = false;
  uint16_t identification = 0;  // RFC 6864 §4.1: of an atomic datagram it means nothing
};

inline void write_ethernet(uint8_t* out, const LinkHeader& link, uint16_t ether_type) {
  std::memcpy(out, link.destination.octets().data(), 6);
  std::memcpy(out + 6, link.source.octets().data(), 6);
  put16(out + 12, ether_type);
}

// Both return the pseudo-header's sum for the payload's checksum.
inline Sum write_ip4(uint8_t* out, const IpOut& ip) {
  out[0] = 0x45;
  out[1] = ip.traffic_class;
  put16(out + 2, static_cast<uint16_t>(kIp4Header + ip.payload_length));
  put16(out + 4, ip.identification);
  put16(out + 6, ip.may_fragment ? 0 : 0x4000);  // DF
  out[8] = ip.hop_limit;
  out[9] = ip.protocol;
  put16(out + 10, 0);
  std::memcpy(out + 12, ip.source.v4_wire(), 4);
  std::memcpy(out + 16, ip.destination.v4_wire(), 4);
  put16(out + 10, sum_of(out, kIp4Header).checksum());
  return pseudo_header_sum(out + 12, 8, ip.protocol, ip.payload_length);
}

inline Sum write_ip6(uint8_t* out, const IpOut& ip) {
  put32(out, 0x6000'0000U | (uint32_t{ip.traffic_class} << 20));
  put16(out + 4, static_cast<uint16_t>(ip.payload_length));
  out[6] = ip.protocol;
  out[7] = ip.hop_limit;
  std::memcpy(out + 8, ip.source.v6_wire(), 16);
  std::memcpy(out + 24, ip.destination.v6_wire(), 16);
  return pseudo_header_sum(out + 8, 32, ip.protocol, ip.payload_length);
}

// Writes both headers at `frame`.
inline Sum write_link_and_ip(uint8_t* frame, const LinkHeader& link, Family family, const IpOut& ip) {
  if (family == Family::V4) {
    write_ethernet(frame, link, kEtherTypeIp4);
    return write_ip4(frame + kEthernetHeader, ip);
  }
  write_ethernet(frame, link, kEtherTypeIp6);
  return write_ip6(frame + kEthernetHeader, ip);
}

}  // namespace millrace::wire
