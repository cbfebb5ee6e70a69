// ARP and neighbour discovery on the wire. Neighbours: arp_nd.h, icmp.cpp.
#include "wire/arp_nd.h"

#include <cstring>

#include "wire/bytes.h"
#include "wire/icmp.h"
#include "wire/ip_header.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr uint8_t kSourceLinkAddress = 1, kTargetLinkAddress = 2, kNonce = 14;
constexpr size_t kNdFixed = 24;        // ICMPv6 header and target, both messages
constexpr size_t kRedirectFixed = 40;  // target and destination
constexpr size_t kRouterAdvertFixed = 16;

MacAddress mac_at(const uint8_t* at) {
  std::array<uint8_t, 6> octets;
  std::memcpy(octets.data(), at, 6);
  return MacAddress(octets);
}

// RFC 4861 §4.6: options are counted in units of 8 octets; a length of 0 makes the message invalid.
bool options_valid(std::span<const uint8_t> options) {
  while (!options.empty()) {
    if (options.size() < 8) return false;
    const size_t length = size_t{options[1]} * 8;
    if (length == 0 || length > options.size()) return false;
    options = options.subspan(length);
  }
  return true;
}

// The six octets of the first option of this type and of eight octets; nullptr: there is none.
const uint8_t* find_short_option(std::span<const uint8_t> options, uint8_t type) {
  while (options.size() >= 8) {
    const size_t length = size_t{options[1]} * 8;
    if (length == 0 || length > options.size()) break;
    if (options[0] == type && length == 8) return options.data() + 2;
    options = options.subspan(length);
  }
  return nullptr;
}

std::optional<MacAddress> find_link_address(std::span<const uint8_t> options, uint8_t type) {
  const uint8_t* found = find_short_option(options, type);
  return found == nullptr ? std::nullopt : std::optional(mac_at(found));
}

std::optional<NdNonce> find_nonce(std::span<const uint8_t> options) {
  const uint8_t* found = find_short_option(options, kNonce);
  if (found == nullptr) return std::nullopt;
  NdNonce nonce;
  std::memcpy(nonce.data(), found, nonce.size());
  return nonce;
}

bool usable_mac(const MacAddress& mac) { return !mac.is_multicast() && !mac.is_zero(); }

// RFC 4861 §7.1.1.
bool solicitation_valid(const Frame& frame, std::span<const uint8_t> options) {
  const std::optional<MacAddress> mac = find_link_address(options, kSourceLinkAddress);
  if (mac && !usable_mac(*mac)) return false;
  if (frame.source != IpAddress()) return true;
  static constexpr uint8_t kSolicitedNode[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  return !mac && std::memcmp(frame.destination.v6_wire(), kSolicitedNode, sizeof kSolicitedNode) == 0;
}

// RFC 4861 §7.1.2.
bool advertisement_valid(const Frame& frame, std::span<const uint8_t> options) {
  const std::optional<MacAddress> mac = find_link_address(options, kTargetLinkAddress);
  if (mac && !usable_mac(*mac)) return false;
  const bool solicited = (frame.message[4] & 0x40) != 0;
  return frame.source != IpAddress() && !(solicited && frame.destination.octets()[0] == 0xff);
}

}  // namespace

bool parse_arp_message(std::span<const uint8_t> bytes, Frame& frame) {
  if (bytes.size() < kArpPacket) return refuse(frame, DropReason::FrameTooShort);
  frame.message = bytes.first(kArpPacket);
  if (!parse_arp(frame.message)) return refuse(frame, DropReason::ArpMalformed);
  frame.kind = FrameKind::Arp;
  return true;
}

std::optional<ArpPacket> parse_arp(std::span<const uint8_t> message) {
  if (message.size() < kArpPacket) return std::nullopt;
  const uint8_t* at = message.data();
  const bool ethernet_ip4 = get16(at) == 1 && get16(at + 2) == kEtherTypeIp4 && at[4] == 6 && at[5] == 4;
  if (!ethernet_ip4) return std::nullopt;
  ArpPacket arp{.operation = get16(at + 6),
                .sender_mac = mac_at(at + 8),
                .sender = IpAddress::from_v4_wire(at + 14),
                .target_mac = mac_at(at + 18),
                .target = IpAddress::from_v4_wire(at + 24)};
  if (!usable_mac(arp.sender_mac)) return std::nullopt;
  // 0.0.0.0 is a probe's sender (RFC 5227 §2.1.1).
  if (arp.sender.is_multicast() || arp.sender.is_broadcast() || arp.sender.is_loopback()) return std::nullopt;
  return arp;
}

bool build_arp(Packet& packet, const LinkHeader& link, const ArpPacket& arp) {
  packet.set_length(0);
  if (packet.capacity() < kEthernetHeader + kArpPacket) return false;
  write_ethernet(packet.data(), link, kEtherTypeArp);
  uint8_t* out = packet.data() + kEthernetHeader;
  put16(out, 1);
  put16(out + 2, kEtherTypeIp4);
  out[4] = 6;
  out[5] = 4;
  put16(out + 6, arp.operation);
  std::memcpy(out + 8, arp.sender_mac.octets().data(), 6);
  std::memcpy(out + 14, arp.sender.v4_wire(), 4);
  std::memcpy(out + 18, arp.target_mac.octets().data(), 6);
  std::memcpy(out + 24, arp.target.v4_wire(), 4);
  packet.tx_l4_checksum = false;
  packet.set_length(kEthernetHeader + kArpPacket);
  return true;
}

bool nd_message_valid(const Frame& frame) {
  const std::span<const uint8_t> message = frame.message;
  if (frame.hop_limit != 255 || message[1] != 0) return false;  // RFC 4861 §7.1: not forwarded, code 0
  size_t fixed = kIcmpHeader;
  const uint8_t type = message[0];
  if (type == icmp6::kNeighborSolicit || type == icmp6::kNeighborAdvert) fixed = kNdFixed;
  if (type == icmp6::kRedirect) fixed = kRedirectFixed;
  if (type == icmp6::kRouterAdvert) fixed = kRouterAdvertFixed;
  if (message.size() < fixed || !options_valid(message.subspan(fixed))) return false;
  if (type == icmp6::kRouterAdvert) return frame.source.is_link_local();  // RFC 4861 §6.1.2
  if (fixed != kNdFixed) return true;
  // A mapped IPv4 target would name one of our IPv4 addresses further up.
  const IpAddress target = IpAddress::from_v6_wire(message.data() + 8);
  if (target.is_multicast() || target.is_v4()) return false;
  const std::span<const uint8_t> options = message.subspan(fixed);
  return type == icmp6::kNeighborSolicit ? solicitation_valid(frame, options)
                                         : advertisement_valid(frame, options);
}

std::optional<NdMessage> parse_nd(const Frame& frame) {
  const std::span<const uint8_t> message = frame.message;
  if (message.size() < kNdFixed) return std::nullopt;
  const uint8_t type = message[0];
  if (type != icmp6::kNeighborSolicit && type != icmp6::kNeighborAdvert) return std::nullopt;
  NdMessage out;
  out.solicitation = type == icmp6::kNeighborSolicit;
  if (!out.solicitation) {
    out.router = (message[4] & 0x80) != 0;
    out.solicited = (message[4] & 0x40) != 0;
    out.override_ = (message[4] & 0x20) != 0;
  }
  out.target = IpAddress::from_v6_wire(message.data() + 8);
  out.mac = find_link_address(message.subspan(kNdFixed),
                              out.solicitation ? kSourceLinkAddress : kTargetLinkAddress);
  if (out.solicitation) out.nonce = find_nonce(message.subspan(kNdFixed));
  return out;
}

bool build_nd(Packet& packet, const LinkHeader& link, const IpAddress& source, const IpAddress& destination,
              const NdMessage& message) {
  std::array<uint8_t, 32> body{};
  size_t length = 16;
  const auto add = [&](uint8_t type, const std::array<uint8_t, 6>& octets) {
    body[length] = type;
    body[length + 1] = 1;
    std::memcpy(body.data() + length + 2, octets.data(), octets.size());
    length += 8;
  };
  std::memcpy(body.data(), message.target.v6_wire(), 16);
  if (message.mac) add(message.solicitation ? kSourceLinkAddress : kTargetLinkAddress, message.mac->octets());
  if (message.nonce) add(kNonce, *message.nonce);
  const uint32_t flags = (message.router ? 0x8000'0000U : 0U) | (message.solicited ? 0x4000'0000U : 0U) |
                         (message.override_ ? 0x2000'0000U : 0U);
  return build_icmp(packet, link, {.source = source, .destination = destination, .hop_limit = 255},
                    {.type = message.solicitation ? icmp6::kNeighborSolicit : icmp6::kNeighborAdvert,
                     .code = 0,
                     .rest = message.solicitation ? 0 : flags,
                     .body = std::span(body).first(length)});
}

IpAddress solicited_node_group(const IpAddress& address) {
  const auto& octets = address.octets();
  return IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, octets[13], octets[14], octets[15]});
}

MacAddress group_mac(const IpAddress& group) {
  const auto& octets = group.octets();
  return MacAddress({0x33, 0x33, octets[12], octets[13], octets[14], octets[15]});
}

IpAddress all_nodes_group() { return IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}); }

}  // namespace millrace::wire
