// What any octets at all may be parsed to. Neighbours: parse_mutations.cpp feeds it seeded mutations in
// ctest, parse_libfuzzer.cpp whatever libFuzzer finds.
#pragma once

#include <cstdint>
#include <span>

#include "../unit/wire/frames.h"
#include "wire/arp_nd.h"
#include "wire/build.h"
#include "wire/icmp.h"

namespace millrace::fuzz {

[[noreturn]] inline void violated(const char* property) {
  std::fprintf(stderr, "parser property violated: %s\n", property);
  std::abort();
}

inline void require(bool holds, const char* property) {
  if (!holds) violated(property);
}

inline bool inside(const uint8_t* data, size_t length, std::span<const uint8_t> frame) {
  return length == 0 || (data >= frame.data() && data + length <= frame.data() + frame.size());
}

inline void check_tcp(const wire::Frame& frame, std::span<const uint8_t> octets) {
  const wire::Segment& segment = frame.tcp;
  require(inside(segment.payload, segment.payload_length, octets), "payload lies in the frame");
  require(segment.flow.local.port != 0 && segment.flow.remote.port != 0, "no port is zero");
  require(!(segment.flags.syn() && (segment.flags.fin() || segment.flags.rst())), "flags make sense");
  require(segment.options.sack_count <= segment.options.sack.size(), "SACK blocks are bounded");
  require(segment.flow.local.address.family() == segment.flow.remote.address.family(), "one family");
  require(!segment.flow.remote.address.is_multicast() && !segment.flow.local.address.is_multicast(),
          "TCP is between two hosts");
  // What was read can be written: the same segment built again parses to the same fields.
  HeapPool pool(1, 4096);
  Packet packet = pool.allocate();
  wire::Segment back = segment;
  std::swap(back.flow.local, back.flow.remote);
  const uint32_t headers =
      wire::tcp_headers_length(back.flow.local.address.family(), back.options, back.flags.syn());
  std::copy_n(segment.payload, segment.payload_length, packet.data() + headers);
  wire::build_segment(packet, {.destination = wire::test::kOurMac, .source = wire::test::kPeerMac}, back,
                      wire::Checksum::Software);
  wire::Frame again;
  wire::parse_frame(packet, {.mac = wire::test::kOurMac, .mtu = 4096}, again);
  require(again.kind == wire::FrameKind::Tcp, "what was read can be written");
  require(again.tcp.flow == segment.flow && again.tcp.seq == segment.seq && again.tcp.ack == segment.ack &&
              again.tcp.flags == segment.flags && again.tcp.payload_length == segment.payload_length &&
              again.tcp.options.timestamps == segment.options.timestamps,
          "and reads the same");
}

inline void check(std::span<const uint8_t> octets, RxChecksum known) {
  wire::test::Parsed parsed(octets, 1500, known);
  const wire::Frame& frame = parsed.frame;
  const std::span<const uint8_t> memory(parsed.memory.get(), octets.size());
  require(frame.network.size() <= 1500, "no packet beyond the MTU");
  require(inside(frame.network.data(), frame.network.size(), memory), "the packet lies in the frame");
  require(inside(frame.message.data(), frame.message.size(), memory), "the message lies in the frame");
  wire::QuotedSegment quoted;
  switch (frame.kind) {
    case wire::FrameKind::Dropped:
      require(static_cast<size_t>(frame.reason) < kDropReasons, "a drop has a reason");
      break;
    case wire::FrameKind::Tcp:
      check_tcp(frame, memory);
      break;
    case wire::FrameKind::Arp:
      require(wire::parse_arp(frame.message).has_value(), "an accepted ARP packet can be read");
      break;
    case wire::FrameKind::Icmp4:
    case wire::FrameKind::Icmp6:
      require(frame.message.size() >= wire::kIcmpHeader, "an ICMP header is whole");
      wire::parse_nd(frame);
      wire::parse_icmp_quote(frame.message.subspan(wire::kIcmpHeader),
                             frame.kind == wire::FrameKind::Icmp4 ? Family::V4 : Family::V6, quoted);
      break;
  }
  if (!frame.network.empty()) wire::carries_icmp_error(frame.network, frame.source.family());
}

}  // namespace millrace::fuzz
