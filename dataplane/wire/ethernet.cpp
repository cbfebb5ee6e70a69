// The Ethernet header, with one 802.1Q tag of VLAN 0 (a priority tag). Neighbours: parse.cpp calls this,
// ip4.cpp, ip6.cpp and arp_nd.cpp take what is left.
#include <cstring>

#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr uint32_t kVlanTag = 4;

MacAddress mac_at(const uint8_t* octets) {
  std::array<uint8_t, 6> mac;
  std::memcpy(mac.data(), octets, mac.size());
  return MacAddress(mac);
}

// A tag of another VLAN is not for us: the port is untagged.
[[gnu::cold]] bool skip_priority_tag(std::span<const uint8_t> bytes, Frame& frame, LinkPayload& out) {
  if (bytes.size() < kEthernetHeader + kVlanTag) return refuse(frame, DropReason::FrameTooShort);
  if ((get16(bytes.data() + 14) & 0x0fff) != 0) return refuse(frame, DropReason::UnknownEtherType);
  out.ether_type = get16(bytes.data() + 16);
  out.bytes = bytes.subspan(kEthernetHeader + kVlanTag);
  return true;
}

}  // namespace

bool parse_ethernet(std::span<const uint8_t> bytes, const MacAddress& ours, Frame& frame, LinkPayload& out) {
  if (bytes.size() < kEthernetHeader) return refuse(frame, DropReason::FrameTooShort);
  const uint8_t* header = bytes.data();
  frame.to_group = (header[0] & 1) != 0;
  if (!frame.to_group && mac_at(header) != ours) return refuse(frame, DropReason::NotOurMac);
  frame.source_mac = mac_at(header + 6);
  if (frame.source_mac.is_multicast() || frame.source_mac.is_zero())
    return refuse(frame, DropReason::SourceMacInvalid);
  out.ether_type = get16(header + 12);
  out.bytes = bytes.subspan(kEthernetHeader);
  if (out.ether_type == kEtherTypeVlan) [[unlikely]]
    return skip_priority_tag(bytes, frame, out);
  return true;
}

}  // namespace millrace::wire
