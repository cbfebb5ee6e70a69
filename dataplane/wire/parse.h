// Frame -> fields. Everything that comes from the link is checked here and nowhere else; what fails has a
// reason.
#pragma once

#include <cstdint>
#include <span>

#include "base/address.h"
#include "base/counters.h"
#include "base/packet.h"
#include "wire/segment.h"

namespace millrace::wire {

enum class FrameKind : uint8_t { Dropped, Tcp, Arp, Icmp4, Icmp6 };

// One parsed frame of a burst. Pointers lead into the frame.
struct Frame {
  FrameKind kind = FrameKind::Dropped;
  DropReason reason = DropReason::FrameTooShort;  // when Dropped
  bool to_group = false;                          // the destination MAC address is multicast or broadcast
  bool checksum_unfinished =
      false;              // TCP checksum bad, but equal to the pseudo-header's: the peer's offload is on
  uint8_t hop_limit = 0;  // TTL or hop limit
  bool router_alert = false;  // Icmp6: the hop-by-hop option of value 0 is there (RFC 2711)
  // The ICMP error that the RFCs ask for in answer to this dropped packet; type 0: none. `error_pointer` is
  // the offset of the offending octet in `network`. Whether it may be sent is for ip::Host::send_error to
  // say.
  uint8_t error_type = 0;
  uint8_t error_code = 0;
  uint16_t error_pointer = 0;
  MacAddress source_mac;
  IpAddress source;  // Tcp, Icmp4, Icmp6
  IpAddress destination;
  std::span<const uint8_t> network;  // the IP packet (without link padding)
  std::span<const uint8_t> message;  // ARP packet, or ICMP message
  Segment tcp;                       // kind == Tcp
};

// What the parser needs to know of the port.
struct ParseParams {
  MacAddress mac;
  uint16_t mtu = 1500;
};

// Parses `packet`, whose data starts at the Ethernet header (one optional 802.1Q tag of VLAN 0 is skipped).
// Verifies IPv4 header, ICMP and (unless packet.rx_checksum says Good) TCP checksums.
void parse_frame(const Packet& packet, const ParseParams& params, Frame& frame);

// Parses the options of a TCP header (`options` is what follows its first 20 octets). False: malformed
// (an option's length runs out of the header or is less than 2). Unknown options and options of a wrong
// length for their kind are skipped (RFC 9293 §3.1 MUST-6, MUST-7).
bool parse_tcp_options(std::span<const uint8_t> options, TcpOptions& out);

// The first octets of a TCP header quoted by an ICMP error (RFC 792: 8 octets suffice).
struct QuotedSegment {
  FlowAddress flow;  // local is the quoted source: we had sent it
  Seq seq;
};
// False: the quote is too short or not TCP.
bool parse_icmp_quote(std::span<const uint8_t> quote, Family family, QuotedSegment& out);

}  // namespace millrace::wire
