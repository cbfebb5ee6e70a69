// ICMP and ICMPv6: checks on the way in, frames on the way out, quotes. Neighbours: icmp.h, arp_nd.cpp.
#include "wire/icmp.h"

#include <cstring>

#include "wire/arp_nd.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip_header.h"
#include "wire/layers.h"
#include "wire/parse.h"

namespace millrace::wire {

bool parse_icmp(const IpPayload& ip, Family family, Frame& frame) {
  if (ip.bytes.size() < kIcmpHeader) return refuse(frame, DropReason::IcmpMalformed);
  const auto length = static_cast<uint32_t>(ip.bytes.size());
  Sum sum = sum_of(ip.bytes.data(), length);
  if (family == Family::V6)  // RFC 4443 §2.3
    sum += pseudo_header_sum(ip.addresses, ip.addresses_length, kProtocolIcmp6, length);
  if (sum.checksum() != 0) return refuse(frame, DropReason::IcmpChecksumBad);
  frame.message = ip.bytes;
  if (family == Family::V4) {
    frame.kind = FrameKind::Icmp4;
    return true;
  }
  const uint8_t type = ip.bytes[0];
  if (type >= icmp6::kRouterSolicit && type <= icmp6::kRedirect && !nd_message_valid(frame))
    return refuse(frame, DropReason::NdMalformed);
  frame.kind = FrameKind::Icmp6;
  return true;
}

bool build_icmp(Packet& packet, const LinkHeader& link, const IpHeaderFields& ip,
                const IcmpMessage& message) {
  const Family family = ip.source.family();
  const uint32_t message_at = kEthernetHeader + ip_header_length(family);
  const auto length = static_cast<uint32_t>(kIcmpHeader + message.body.size());
  packet.set_length(0);
  if (message_at + length > packet.capacity()) return false;
  uint8_t* const frame = packet.data();
  uint8_t* const out = frame + message_at;
  const uint8_t protocol = family == Family::V4 ? kProtocolIcmp4 : kProtocolIcmp6;
  const Sum pseudo = write_link_and_ip(frame, link, family,
                                       {.source = ip.source,
                                        .destination = ip.destination,
                                        .protocol = protocol,
                                        .hop_limit = ip.hop_limit,
                                        .traffic_class = 0,
                                        .payload_length = length});
  out[0] = message.type;
  out[1] = message.code;
  put16(out + 2, 0);
  put32(out + 4, message.rest);
  Sum sum =
      sum_of(out, kIcmpHeader) + copy_and_sum(out + kIcmpHeader, message.body.data(), message.body.size());
  if (family == Family::V6) sum += pseudo;
  put16(out + 2, sum.checksum());
  packet.tx_l4_checksum = false;
  packet.set_length(message_at + length);
  return true;
}

bool parse_icmp_quote(std::span<const uint8_t> quote, Family family, QuotedSegment& out) {
  const uint32_t fixed = ip_header_length(family);
  if (quote.size() < fixed) return false;
  const uint8_t* header = quote.data();
  size_t header_length = fixed;
  IpAddress source, destination;
  if (family == Family::V4) {
    header_length = size_t{header[0] & 0x0fU} * 4;
    const bool first_fragment = (get16(header + 6) & 0x1fff) == 0;
    if ((header[0] >> 4) != 4 || header_length < fixed || header[9] != kProtocolTcp || !first_fragment)
      return false;
    source = IpAddress::from_v4_wire(header + 12);
    destination = IpAddress::from_v4_wire(header + 16);
  } else {
    // What we send has no extension headers, so a quote of ours has none either.
    if ((header[0] >> 4) != 6 || header[6] != kProtocolTcp) return false;
    source = IpAddress::from_v6_wire(header + 8);
    destination = IpAddress::from_v6_wire(header + 24);
  }
  if (quote.size() < header_length + 8) return false;
  const uint8_t* tcp = header + header_length;
  out.flow = {.local = {source, get16(tcp)}, .remote = {destination, get16(tcp + 2)}};
  out.seq = Seq(get32(tcp + 4));
  return true;
}

bool carries_icmp_error(std::span<const uint8_t> packet, Family family) {
  if (packet.size() < ip_header_length(family)) return true;
  uint8_t protocol;
  size_t at;
  if (family == Family::V4) {
    protocol = packet[9];
    at = size_t{packet[0] & 0x0fU} * 4;
    if (protocol != kProtocolIcmp4) return false;
  } else {
    protocol = packet[6];
    at = kIp6Header;
    constexpr uint8_t kHopByHop = 0, kRouting = 43, kDestinationOptions = 60;
    while (protocol == kHopByHop || protocol == kRouting || protocol == kDestinationOptions) {
      if (packet.size() < at + 8) return true;
      protocol = packet[at];
      at += (size_t{packet[at + 1]} + 1) * 8;
    }
    if (protocol != kProtocolIcmp6) return false;
  }
  return at >= packet.size() || is_icmp_error(family, packet[at]);
}

}  // namespace millrace::wire
