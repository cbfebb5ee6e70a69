// TCP frames for the tests of links, faults and ladders.
#pragma once

#include <cstdint>
#include <vector>

#include "base/packet.h"
#include "wire/build.h"

namespace millrace::sim::test {

inline constexpr MacAddress kLeftMac{{0x02, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kRightMac{{0x02, 0, 0, 0, 0, 2}};
inline const Endpoint kLeft{IpAddress::v4(10, 0, 0, 1), 50000};
inline const Endpoint kRight{IpAddress::v4(10, 0, 0, 2), 80};

inline wire::Segment segment(wire::Flags flags, uint32_t seq = 0, uint32_t ack = 0, uint32_t payload = 0) {
  wire::Segment out;
  out.flow = {.local = kLeft, .remote = kRight};
  out.flags = flags;
  out.seq = Seq(seq);
  out.ack = Seq(ack);
  out.window = WireWindow(1000);
  out.payload_length = payload;
  return out;
}

// As it leaves the left host.
inline std::vector<uint8_t> frame_of(const wire::Segment& segment) {
  HeapPool pool(1, 2048);
  Packet packet = pool.allocate();
  wire::build_segment(packet, {.destination = kRightMac, .source = kLeftMac}, segment,
                      wire::Checksum::Software);
  return {packet.data(), packet.data() + packet.length()};
}

}  // namespace millrace::sim::test
