// The IPv6 header (RFC 8200 §3). Neighbours: ethernet.cpp before, ip6_extensions.cpp for what may follow,
// tcp.cpp and icmp.cpp after.
#include <cstring>

#include "wire/bytes.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr size_t kHeader = 40;

bool is_mapped_v4(const uint8_t* address) {
  static constexpr uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address, kPrefix, sizeof kPrefix) == 0;
}

bool is_loopback(const uint8_t* address) {
  static constexpr uint8_t kOne[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::memcmp(address, kOne, sizeof kOne) == 0;
}

}  // namespace

bool parse_ip6(std::span<const uint8_t> bytes, uint16_t mtu, Frame& frame, IpPayload& out) {
  if (bytes.size() < kHeader) return refuse(frame, DropReason::FrameTooShort);
  const uint8_t* header = bytes.data();
  if ((header[0] >> 4) != 6) return refuse(frame, DropReason::Ip6HeaderMalformed);
  const size_t packet_length = kHeader + get16(header + 4);
  // Before the comparison with the frame: a link may have cut what segmentation offload made too long.
  if (packet_length > mtu) return refuse(frame, DropReason::FrameTooLong);
  if (packet_length > bytes.size()) return refuse(frame, DropReason::Ip6HeaderMalformed);

  const uint8_t* source = header + 8;
  const uint8_t* destination = header + 24;
  frame.network = bytes.first(packet_length);
  frame.hop_limit = header[7];
  frame.source = IpAddress::from_v6_wire(source);
  frame.destination = IpAddress::from_v6_wire(destination);
  // RFC 4291 §2.7, §2.5.3. The unspecified address is left to the upper layer: ND probes come from it. Mapped
  // IPv4 addresses stand for IPv4 everywhere above, so none may come in from an IPv6 header.
  if (source[0] == 0xff || is_loopback(source) || is_mapped_v4(source))
    return refuse(frame, DropReason::IpSourceInvalid);
  if (is_mapped_v4(destination)) return refuse(frame, DropReason::IpNotOurs);

  out.protocol = header[6];
  out.traffic_class = static_cast<uint8_t>(header[0] << 4 | header[1] >> 4);
  out.addresses = source;
  out.addresses_length = 32;
  out.protocol_at = 6;
  out.bytes = frame.network.subspan(kHeader);
  if (out.protocol != kProtocolTcp && out.protocol != kProtocolIcmp6) [[unlikely]]
    return skip_ip6_extensions(frame, out);
  return true;
}

}  // namespace millrace::wire
