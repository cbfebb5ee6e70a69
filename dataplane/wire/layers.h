// The steps of parse.cpp: one function a layer, each taking what the layer below left over. A step that
// returns false has put its reason into the frame.
#pragma once

#include <cstdint>
#include <span>

#include "wire/parse.h"

namespace millrace::wire {

inline constexpr uint16_t kEtherTypeIp4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;
inline constexpr uint16_t kEtherTypeIp6 = 0x86dd;

inline constexpr uint8_t kProtocolIcmp4 = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolIcmp6 = 58;

struct LinkPayload {
  uint16_t ether_type = 0;
  std::span<const uint8_t> bytes;  // link padding included
};

struct IpPayload {
  uint8_t protocol = 0;
  uint8_t traffic_class = 0;
  const uint8_t* addresses = nullptr;  // source and destination as they stand in the header
  uint8_t addresses_length = 0;        // 8 or 32
  uint16_t protocol_at = 0;            // offset in the packet of the octet that named the protocol
  std::span<const uint8_t> bytes;
};

bool parse_ethernet(std::span<const uint8_t> bytes, const MacAddress& ours, Frame& frame, LinkPayload& out);
bool parse_ip4(std::span<const uint8_t> bytes, uint16_t mtu, Frame& frame, IpPayload& out);
bool parse_ip6(std::span<const uint8_t> bytes, uint16_t mtu, Frame& frame, IpPayload& out);
bool parse_tcp(const IpPayload& ip, bool verify_checksum, Frame& frame);
bool parse_icmp(const IpPayload& ip, Family family, Frame& frame);
bool parse_arp_message(std::span<const uint8_t> bytes, Frame& frame);

// Walks IPv6 extension headers from the fixed header on (RFC 8200 §4); `out` names the upper layer at the
// end.
bool skip_ip6_extensions(Frame& frame, IpPayload& out);

[[gnu::cold]] inline bool refuse(Frame& frame, DropReason reason) {
  frame.kind = FrameKind::Dropped;
  frame.reason = reason;
  return false;
}

// Likewise, with the ICMP error that the RFCs want in answer.
[[gnu::cold]] inline bool refuse(Frame& frame, DropReason reason, uint8_t type, uint8_t code,
                                 uint16_t pointer = 0) {
  frame.error_type = type;
  frame.error_code = code;
  frame.error_pointer = pointer;
  return refuse(frame, reason);
}

}  // namespace millrace::wire
