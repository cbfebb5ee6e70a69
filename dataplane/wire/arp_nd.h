// ARP (RFC 826) and neighbour discovery (RFC 4861): fields and frames. Neighbours: icmp.h for the other
// ICMPv6 messages; ip/neighbor for what is done with them.
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

inline constexpr uint32_t kArpPacket = 28;

struct ArpPacket {
  static constexpr uint16_t kRequest = 1, kReply = 2;
  uint16_t operation = kRequest;
  MacAddress sender_mac;
  IpAddress sender;
  MacAddress target_mac;
  IpAddress target;
};

// None: not Ethernet and IPv4, too short, or a sender that no host can be.
std::optional<ArpPacket> parse_arp(std::span<const uint8_t> message);

// Writes a whole frame of 42 octets; padding to the Ethernet minimum is the device's. False: no room.
bool build_arp(Packet& packet, const LinkHeader& link, const ArpPacket& arp);

using NdNonce = std::array<uint8_t, 6>;

// A neighbour solicitation or advertisement (RFC 4861 §4.3, §4.4).
struct NdMessage {
  bool solicitation = false;
  bool router = false;  // advertisements only, as the two below
  bool solicited = false;
  bool override_ = false;
  IpAddress target;
  // The source link-layer address of a solicitation, the target's of an advertisement.
  std::optional<MacAddress> mac;
  // The nonce of a solicitation (RFC 3971 §5.3.2, RFC 7527), where it has six octets.
  std::optional<NdNonce> nonce = {};
};

// Whether a neighbour discovery message (types 133 to 137) passes the tests of RFC 4861 §6.1, §7.1 and §8.1
// that need no knowledge of our addresses. Reads frame.message, hop_limit, source and destination.
bool nd_message_valid(const Frame& frame);

// The fields of a valid solicitation or advertisement; none for the other types.
std::optional<NdMessage> parse_nd(const Frame& frame);

// Writes a whole frame. False: no room.
bool build_nd(Packet& packet, const LinkHeader& link, const IpAddress& source, const IpAddress& destination,
              const NdMessage& message);

// RFC 4291 §2.7.1.
IpAddress solicited_node_group(const IpAddress& address);
// RFC 2464 §7: the MAC address of an IPv6 group.
MacAddress group_mac(const IpAddress& group);
// RFC 4291 §2.7.1: ff02::1.
IpAddress all_nodes_group();

}  // namespace millrace::wire
