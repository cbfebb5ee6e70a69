// Neighbour: mld.h.
#include "wire/mld.h"

#include <array>
#include <cstring>

#include "wire/arp_nd.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip_header.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr uint32_t kHopByHop = 8, kRecord = 20, kVersion1 = 24, kVersion2 = 28;

IpAddress link_group(uint8_t last) {
  return IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
}

// RFC 3810 §5.1.3.
uint32_t milliseconds_of(uint16_t code) {
  if (code < 0x8000) return code;
  const uint32_t mantissa = code & 0x0fff, exponent = code >> 12 & 7;
  return (mantissa | 0x1000) << (exponent + 3);
}

// Writes the frame around a message of `length` octets, which is then filled in and finished.
struct Outline {
  uint8_t* message = nullptr;  // zeroed; nullptr: no room
  Sum pseudo;
};
Outline begin(Packet& packet, const MacAddress& from, const IpAddress& source, const IpAddress& destination,
              uint32_t length) {
  const uint32_t message_at = kEthernetHeader + kIp6Header + kHopByHop;
  packet.set_length(0);
  if (message_at + length > packet.capacity()) return {};
  uint8_t* const frame = packet.data();
  write_link_and_ip(frame, {.destination = group_mac(destination), .source = from}, Family::V6,
                    {.source = source,
                     .destination = destination,
                     .protocol = 0,
                     .hop_limit = 1,
                     .traffic_class = 0,
                     .payload_length = kHopByHop + length});
  // RFC 3810 §5: a router alert (RFC 2711 §2.1, value 0), and padding.
  static constexpr uint8_t kAlert[kHopByHop] = {kProtocolIcmp6, 0, 5, 2, 0, 0, 1, 0};
  std::memcpy(frame + message_at - kHopByHop, kAlert, kHopByHop);
  std::memset(frame + message_at, 0, length);
  packet.tx_l4_checksum = false;
  packet.set_length(message_at + length);
  return {frame + message_at, pseudo_header_sum(frame + kEthernetHeader + 8, 32, kProtocolIcmp6, length)};
}

}  // namespace

bool build_mld_report(Packet& packet, const MacAddress& from, const IpAddress& source,
                      std::span<const MldGroup> groups) {
  if (groups.size() > kMldRecords) return false;
  const auto length = static_cast<uint32_t>(kIcmpHeader + groups.size() * kRecord);
  const Outline outline = begin(packet, from, source, link_group(0x16), length);
  if (outline.message == nullptr) return false;
  uint8_t* const out = outline.message;
  out[0] = icmp6::kMld2Report;
  put16(out + 6, static_cast<uint16_t>(groups.size()));
  for (size_t i = 0; i < groups.size(); ++i) {
    uint8_t* record = out + kIcmpHeader + i * kRecord;
    record[0] = static_cast<uint8_t>(groups[i].record);
    std::memcpy(record + 4, groups[i].group.v6_wire(), 16);
  }
  put16(out + 2, (outline.pseudo + sum_of(out, length)).checksum());
  return true;
}

bool build_mld1_report(Packet& packet, const MacAddress& from, const IpAddress& source, const MldGroup& group) {
  const bool done = group.record == MldRecord::ToInclude;
  const Outline outline = begin(packet, from, source, done ? link_group(2) : group.group, kVersion1);
  if (outline.message == nullptr) return false;
  outline.message[0] = done ? icmp6::kMldDone : icmp6::kMldReport;
  std::memcpy(outline.message + 8, group.group.v6_wire(), 16);
  put16(outline.message + 2, (outline.pseudo + sum_of(outline.message, kVersion1)).checksum());
  return true;
}

std::optional<MldQuery> parse_mld_query(const Frame& frame) {
  const std::span<const uint8_t> message = frame.message;
  if (frame.kind != FrameKind::Icmp6 || message.size() < kVersion1 || message[0] != icmp6::kMldQuery)
    return std::nullopt;
  // RFC 3810 §5.1.14, §6.2, §8.1.
  if (frame.hop_limit != 1 || !frame.router_alert || !frame.source.is_link_local()) return std::nullopt;
  const bool version1 = message.size() == kVersion1;
  if (!version1 && message.size() < kVersion2) return std::nullopt;
  const IpAddress group = IpAddress::from_v6_wire(message.data() + 8);
  if (!group.is_unspecified() && (group.is_v4() || !group.is_multicast())) return std::nullopt;
  const uint16_t code = get16(message.data() + 4);
  const uint32_t wait = version1 ? code : milliseconds_of(code);
  return MldQuery{.version = static_cast<uint8_t>(version1 ? 1 : 2),
                  .group = group,
                  .max_response = Micros(int64_t{wait} * 1000)};
}

}  // namespace millrace::wire
