// Frame -> fields: the walk through the layers. Neighbours: layers.h has the steps.
#include "wire/parse.h"

#include "wire/icmp.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

// RFC 1122 §3.2.2.1 and RFC 4443 §3.4 have a host say so.
[[gnu::cold]] void refuse_protocol(Frame& frame, Family family, const IpPayload& ip) {
  if (family == Family::V4)
    refuse(frame, DropReason::IpProtocolUnknown, icmp4::kUnreachable, icmp4::kProtocolUnreachable);
  else
    refuse(frame, DropReason::IpProtocolUnknown, icmp6::kParameterProblem, icmp6::kUnrecognizedNextHeader,
           ip.protocol_at);
}

[[gnu::cold]] void parse_not_tcp(const IpPayload& ip, Family family, Frame& frame) {
  if (ip.protocol == (family == Family::V4 ? kProtocolIcmp4 : kProtocolIcmp6))
    parse_icmp(ip, family, frame);
  else
    refuse_protocol(frame, family, ip);
}

}  // namespace

void parse_frame(const Packet& packet, const ParseParams& params, Frame& frame) {
  frame.kind = FrameKind::Dropped;
  frame.checksum_unfinished = false;
  frame.error_type = 0;
  frame.router_alert = false;
  frame.network = {};
  frame.message = {};
  LinkPayload link;
  if (!parse_ethernet(packet.bytes(), params.mac, frame, link)) return;

  IpPayload ip;
  Family family = Family::V4;
  if (link.ether_type == kEtherTypeIp4) {
    if (!parse_ip4(link.bytes, params.mtu, frame, ip)) return;
  } else if (link.ether_type == kEtherTypeIp6) {
    family = Family::V6;
    if (!parse_ip6(link.bytes, params.mtu, frame, ip)) return;
  } else if (link.ether_type == kEtherTypeArp) {
    parse_arp_message(link.bytes, frame);
    return;
  } else {
    refuse(frame, DropReason::UnknownEtherType);
    return;
  }
  if (ip.protocol == kProtocolTcp) [[likely]]
    parse_tcp(ip, packet.rx_checksum != RxChecksum::Good, frame);
  else
    parse_not_tcp(ip, family, frame);
}

}  // namespace millrace::wire
