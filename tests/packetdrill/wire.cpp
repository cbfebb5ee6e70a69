#include "wire.h"

#include <algorithm>
#include <cstring>

#include "flags.h"

namespace millrace::packetdrill {

namespace {

constexpr size_t kEthernet = 14;
constexpr uint8_t kNeighborSolicit = 135, kNeighborAdvert = 136, kFirstNd = 133, kLastNd = 137;

uint16_t type_of(std::span<const uint8_t> frame) {
  return frame.size() < kEthernet ? 0 : static_cast<uint16_t>(frame[12] << 8 | frame[13]);
}

void put_header(std::vector<uint8_t>& frame, uint16_t type) {
  frame.insert(frame.end(), kOurMac.octets().begin(), kOurMac.octets().end());
  frame.insert(frame.end(), kGatewayMac.octets().begin(), kGatewayMac.octets().end());
  frame.push_back(static_cast<uint8_t>(type >> 8));
  frame.push_back(static_cast<uint8_t>(type));
}

// RFC 4443 §2.3.
void put_icmp6_checksum(std::span<uint8_t> packet) {
  uint32_t sum = 0;
  const auto add = [&sum](std::span<const uint8_t> octets) {
    for (size_t i = 0; i + 1 < octets.size(); i += 2)
      sum += static_cast<uint32_t>(octets[i] << 8 | octets[i + 1]);
    if (octets.size() % 2 != 0) sum += static_cast<uint32_t>(octets.back() << 8);
  };
  packet[42] = packet[43] = 0;
  add(packet.subspan(8, 32));
  add(packet.subspan(40));
  sum += static_cast<uint32_t>(packet.size() - 40) + 58;
  while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
  packet[42] = static_cast<uint8_t>(~sum >> 8);
  packet[43] = static_cast<uint8_t>(~sum);
}

// RFC 826: the operation becomes a reply, and the ends change places.
std::vector<uint8_t> arp_reply(std::span<const uint8_t> arp) {
  std::vector<uint8_t> frame;
  put_header(frame, 0x0806);
  frame.insert(frame.end(), arp.begin(), arp.begin() + 6);
  frame.insert(frame.end(), {0, 2});
  frame.insert(frame.end(), kGatewayMac.octets().begin(), kGatewayMac.octets().end());
  frame.insert(frame.end(), arp.begin() + 24, arp.begin() + 28);
  frame.insert(frame.end(), arp.begin() + 8, arp.begin() + 18);
  return frame;
}

// RFC 4861 §4.4.
std::vector<uint8_t> advertisement(std::span<const uint8_t> solicit) {
  std::vector<uint8_t> frame;
  put_header(frame, 0x86dd);
  frame.insert(frame.end(), {0x60, 0, 0, 0, 0, 32, 58, 255});
  frame.insert(frame.end(), solicit.begin() + 48, solicit.begin() + 64);  // from the target
  frame.insert(frame.end(), solicit.begin() + 8, solicit.begin() + 24);   // to the asker
  frame.insert(frame.end(), {kNeighborAdvert, 0, 0, 0, 0x60, 0, 0, 0});
  frame.insert(frame.end(), solicit.begin() + 48, solicit.begin() + 64);
  frame.insert(frame.end(), {2, 1});  // target link-layer address
  frame.insert(frame.end(), kGatewayMac.octets().begin(), kGatewayMac.octets().end());
  put_icmp6_checksum(std::span(frame).subspan(kEthernet));
  return frame;
}

bool is_icmp6(std::span<const uint8_t> packet, uint8_t first, uint8_t last) {
  return packet.size() > 40 && packet[6] == 58 && packet[40] >= first && packet[40] <= last;
}

}  // namespace

std::optional<std::vector<uint8_t>> framed(std::span<const uint8_t> packet) {
  const bool v4 = packet.size() >= 20 && packet[0] >> 4 == 4;
  const bool v6 = packet.size() >= 40 && packet[0] >> 4 == 6;
  if (!v4 && !v6) return std::nullopt;
  std::vector<uint8_t> frame;
  frame.reserve(kEthernet + packet.size());
  put_header(frame, v4 ? 0x0800 : 0x86dd);
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

IpAddress destination_of(std::span<const uint8_t> packet) {
  return packet[0] >> 4 == 4 ? IpAddress::from_v4_wire(packet.data() + 16)
                             : IpAddress::from_v6_wire(packet.data() + 24);
}

std::optional<std::vector<uint8_t>> gateway_answer(std::span<const uint8_t> frame) {
  const std::span<const uint8_t> packet = frame.subspan(std::min(frame.size(), kEthernet));
  if (type_of(frame) == 0x0806 && packet.size() >= 28 && packet[7] == 1 &&
      std::memcmp(packet.data() + 14, packet.data() + 24, 4) != 0)
    return arp_reply(packet);
  if (type_of(frame) == 0x86dd && packet.size() >= 64 && is_icmp6(packet, kNeighborSolicit, kNeighborSolicit))
    return advertisement(packet);
  return std::nullopt;
}

bool is_link_business(std::span<const uint8_t> frame) {
  if (type_of(frame) == 0x0806) return true;
  return type_of(frame) == 0x86dd && is_icmp6(frame.subspan(kEthernet), kFirstNd, kLastNd);
}

}  // namespace millrace::packetdrill
