// Fields -> frame, for TCP. Neighbours: ip_header.h before it on the wire, tcp_options.cpp within it.
#include "wire/build.h"

#include "base/check.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip_header.h"
#include "wire/tcp_options.h"

namespace millrace::wire {

namespace {

// The header without its checksum, which is left 0.
void write_tcp(uint8_t* out, const Segment& segment, uint32_t header_length) {
  put16(out, segment.flow.local.port);
  put16(out + 2, segment.flow.remote.port);
  put32(out + 4, segment.seq.raw());
  put32(out + 8, segment.ack.raw());
  out[12] = static_cast<uint8_t>(header_length << 2);
  out[13] = segment.flags.bits();
  put16(out + 14, segment.window.field());
  put16(out + 16, 0);
  put16(out + 18, segment.urgent_pointer);
  write_tcp_options(out + kTcpHeader, segment.options, segment.flags.syn());
}

}  // namespace

uint32_t tcp_header_length(const TcpOptions& options, bool syn) {
  return kTcpHeader + tcp_options_length(options, syn);
}

uint32_t tcp_headers_length(Family family, const TcpOptions& options, bool syn) {
  return kEthernetHeader + ip_header_length(family) + tcp_header_length(options, syn);
}

void build_segment(Packet& packet, const LinkHeader& link, const Segment& segment, Checksum checksum) {
  const Family family = segment.flow.local.address.family();
  const uint32_t header_length = tcp_header_length(segment.options, segment.flags.syn());
  const uint32_t tcp_length = header_length + segment.payload_length;
  const uint32_t tcp_at = kEthernetHeader + ip_header_length(family);
  MILLRACE_CHECK(packet.capacity() >= tcp_at + tcp_length);

  uint8_t* const frame = packet.data();
  uint8_t* const tcp = frame + tcp_at;
  const Sum pseudo =
      write_link_and_ip(frame, link, family,
                        {.source = segment.flow.local.address,
                         .destination = segment.flow.remote.address,
                         .protocol = kProtocolTcp,
                         .hop_limit = segment.hop_limit,
                         .traffic_class = static_cast<uint8_t>(segment.dscp << 2 | segment.ecn),
                         .payload_length = tcp_length,
                         .may_fragment = segment.may_fragment,
                         .identification = segment.identification});
  write_tcp(tcp, segment, header_length);
  if (checksum == Checksum::Software)
    put16(tcp + 16, (pseudo + sum_of(tcp, tcp_length)).checksum());
  else if (checksum == Checksum::Offload)
    put16(tcp + 16, pseudo.folded());
  packet.tx_l4_checksum = checksum == Checksum::Offload;
  packet.priority = segment.priority;
  packet.set_length(tcp_at + tcp_length);
}

}  // namespace millrace::wire
