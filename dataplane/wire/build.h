// Fields -> frame.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/packet.h"
#include "wire/segment.h"

namespace millrace::wire {

enum class Checksum : uint8_t {
  Software,  // computed here
  Offload,   // pseudo-header sum left in the field; Packet::tx_l4_checksum set
  Waived,    // the link's contract does without
};

struct LinkHeader {
  MacAddress destination;
  MacAddress source;
};

inline constexpr uint32_t kEthernetHeader = 14;

// Octets of a TCP header with these options, padded to a multiple of 4. Wire order and padding:
// SYN: mss, sackOK, TS, nop, wscale (without timestamps: mss, nop, nop, sackOK, nop, wscale);
// others: nop, nop, TS; nop, nop, sack.
uint32_t tcp_header_length(const TcpOptions& options, bool syn);

// Octets from the start of the frame to the payload.
uint32_t tcp_headers_length(Family family, const TcpOptions& options, bool syn);

// Writes Ethernet, IP and TCP headers before the payload, which the caller has already put at
// packet.data() + tcp_headers_length(...); segment.payload_length is its length, segment.payload is not read.
// Sets the packet's length, tx_l4_checksum and priority. DF is set unless segment.may_fragment.
// Needs packet.capacity() for all of it.
void build_segment(Packet& packet, const LinkHeader& link, const Segment& segment, Checksum checksum);

}  // namespace millrace::wire
