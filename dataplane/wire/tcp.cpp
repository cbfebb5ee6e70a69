// The TCP header (RFC 9293 §3.1). Neighbours: ip4.cpp and ip6.cpp before, tcp_options.cpp for its options.
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr size_t kHeader = 20;

// RFC 9293 §3.1 MUST-3. A sender's kernel that left the sum to a device which never came has put the
// pseudo-header's sum into the field: worth telling apart, since one command at the peer mends it.
bool checksum_right(const IpPayload& ip, Frame& frame) {
  const auto length = static_cast<uint32_t>(ip.bytes.size());
  const Sum pseudo = pseudo_header_sum(ip.addresses, ip.addresses_length, kProtocolTcp, length);
  if ((pseudo + sum_of(ip.bytes.data(), length)).checksum() == 0) return true;
  frame.checksum_unfinished = get16(ip.bytes.data() + 16) == pseudo.folded();
  return refuse(frame, DropReason::TcpChecksumBad);
}

// Combinations that no implementation sends: SYN with FIN or RST would ask for two opposite things. What
// lacks flags is for the state to judge (RFC 9293 §3.10.7).
bool flags_valid(Flags flags) { return !(flags.syn() && (flags.fin() || flags.rst())); }

// RFC 1122 §4.2.3.10, RFC 9293 §3.9.2.3: TCP is spoken between two single hosts.
bool ends_valid(Frame& frame) {
  const auto& destination = frame.destination.octets();
  const bool v4 = frame.destination.is_v4();
  // In IPv4, 224/4 and the limited broadcast; 240/4 otherwise stays a question of whose address it is.
  const bool group =
      v4 ? (destination[12] & 0xf0) == 0xe0 || get32(frame.destination.v4_wire()) == 0xffff'ffff
         : destination[0] == 0xff;
  if (group || frame.to_group) return refuse(frame, DropReason::IpMulticastTransport);
  if (frame.source == IpAddress()) return refuse(frame, DropReason::IpSourceInvalid);
  return true;
}

}  // namespace

bool parse_tcp(const IpPayload& ip, bool verify_checksum, Frame& frame) {
  if (!ends_valid(frame)) return false;
  if (ip.bytes.size() < kHeader) return refuse(frame, DropReason::TcpHeaderMalformed);
  if (verify_checksum && !checksum_right(ip, frame)) return false;
  const uint8_t* header = ip.bytes.data();
  const size_t header_length = size_t{header[12]} >> 4 << 2;
  if (header_length < kHeader || header_length > ip.bytes.size())
    return refuse(frame, DropReason::TcpHeaderMalformed);

  Segment& segment = frame.tcp;
  segment.flow.remote = {frame.source, get16(header)};
  segment.flow.local = {frame.destination, get16(header + 2)};
  if (segment.flow.remote.port == 0 || segment.flow.local.port == 0)
    return refuse(frame, DropReason::TcpPortZero);
  segment.seq = Seq(get32(header + 4));
  segment.ack = Seq(get32(header + 8));
  segment.flags = Flags(header[13]);
  if (!flags_valid(segment.flags)) return refuse(frame, DropReason::TcpFlagsInvalid);
  segment.window = WireWindow(get16(header + 14));
  segment.urgent_pointer = get16(header + 18);
  segment.ecn = ip.traffic_class & 3;
  segment.dscp = ip.traffic_class >> 2;
  segment.hop_limit = frame.hop_limit;
  if (!parse_tcp_options(ip.bytes.subspan(kHeader, header_length - kHeader), segment.options))
    return refuse(frame, DropReason::TcpHeaderMalformed);
  segment.payload = header + header_length;
  segment.payload_length = static_cast<uint32_t>(ip.bytes.size() - header_length);
  frame.message = ip.bytes;
  frame.kind = FrameKind::Tcp;
  return true;
}

}  // namespace millrace::wire
