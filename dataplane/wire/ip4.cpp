// The IPv4 header (RFC 791, RFC 1122 §3.2.1). Neighbours: ethernet.cpp before, tcp.cpp and icmp.cpp after.
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr size_t kHeader = 20;
constexpr uint16_t kMoreFragments = 0x2000;
constexpr uint16_t kFragmentOffset = 0x1fff;

// RFC 791 §3.1: the options are walked for their form and for source routes; the others change nothing here.
[[gnu::cold]] bool walk_options(std::span<const uint8_t> options, Frame& frame) {
  constexpr uint8_t kEnd = 0, kNop = 1, kLooseSourceRoute = 131, kStrictSourceRoute = 137;
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t type = options[at];
    if (type == kEnd) return true;
    if (type == kNop) {
      ++at;
      continue;
    }
    if (options.size() - at < 2 || options[at + 1] < 2 || options[at + 1] > options.size() - at)
      return refuse(frame, DropReason::Ip4HeaderMalformed);
    // RFC 1122 §3.2.1.8 (c) lets a host act as a source route's last hop; no answer of ours would retrace it.
    if (type == kLooseSourceRoute || type == kStrictSourceRoute)
      return refuse(frame, DropReason::Ip4SourceRouted);
    at += options[at + 1];
  }
  return true;
}

// RFC 1122 §3.2.1.3: none of these may be a source. A subnet's own broadcast address needs the prefixes that
// only ip/ knows.
bool source_valid(const uint8_t* source) {
  const bool multicast = (source[0] & 0xf0) == 0xe0;
  return source[0] != 0 && source[0] != 127 && !multicast && get32(source) != 0xffff'ffff;
}

}  // namespace

bool parse_ip4(std::span<const uint8_t> bytes, uint16_t mtu, Frame& frame, IpPayload& out) {
  if (bytes.size() < kHeader) return refuse(frame, DropReason::FrameTooShort);
  const uint8_t* header = bytes.data();
  const size_t header_length = size_t{header[0] & 0x0fU} * 4;
  if ((header[0] >> 4) != 4 || header_length < kHeader)  // RFC 1122 §3.2.1.1
    return refuse(frame, DropReason::Ip4HeaderMalformed);
  if (bytes.size() < header_length) return refuse(frame, DropReason::FrameTooShort);
  if (sum_of(header, header_length).checksum() != 0)  // RFC 1122 §3.2.1.2
    return refuse(frame, DropReason::Ip4ChecksumBad);

  const size_t total_length = get16(header + 2);
  if (total_length < header_length) return refuse(frame, DropReason::Ip4HeaderMalformed);
  // Before the comparison with the frame: a link may have cut what segmentation offload made too long.
  if (total_length > mtu) return refuse(frame, DropReason::FrameTooLong);
  if (total_length > bytes.size()) return refuse(frame, DropReason::Ip4HeaderMalformed);

  frame.network = bytes.first(total_length);
  frame.hop_limit = header[8];
  frame.source = IpAddress::from_v4_wire(header + 12);
  frame.destination = IpAddress::from_v4_wire(header + 16);
  if (!source_valid(header + 12)) return refuse(frame, DropReason::IpSourceInvalid);
  if (header_length > kHeader && !walk_options(bytes.subspan(kHeader, header_length - kHeader), frame))
    return false;
  // A written deviation from RFC 1122 §3.3.2: no reassembly. TCP never needs it, since we send DF.
  if ((get16(header + 6) & (kMoreFragments | kFragmentOffset)) != 0)
    return refuse(frame, DropReason::IpFragment);

  out.protocol = header[9];
  out.traffic_class = header[1];
  out.addresses = header + 12;
  out.addresses_length = 8;
  out.protocol_at = 9;
  out.bytes = frame.network.subspan(header_length);
  return true;
}

}  // namespace millrace::wire
