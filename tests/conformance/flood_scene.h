// Attacks by numbers: what they count and where they come from. Neighbours: vulnerabilities_flood_test.cpp,
// vulnerabilities_memory_test.cpp.
#pragma once

#include "scene.h"

namespace millrace::conformance {

class Floods : public Scene {
 protected:
  uint64_t drops(DropReason reason) { return peer().shard().counters().dropped(reason); }
  shard::Shard::Usage usage() { return peer().shard().usage(); }
  static IpAddress neighbor(uint32_t number) {
    if (GetParam() == Family::V4) return IpAddress::v4(10, 0, 0, static_cast<uint8_t>(3 + number % 250));
    std::array<uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8};
    for (unsigned i = 0; i < 4; ++i) octets[12 + i] = static_cast<uint8_t>((number + 0x100) >> (24 - 8 * i));
    return IpAddress::v6(octets);
  }
};

}  // namespace millrace::conformance
