// Frames as octets, for what no PeerSegment can say: lying lengths, odd options, fragments.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"

namespace millrace::conformance {

using Octets = std::vector<uint8_t>;

inline constexpr size_t kIpAt = 14;

inline bool is_v4(const Octets& frame) { return frame.at(12) == 0x08; }
inline void put16(Octets& frame, size_t at, size_t value) {
  frame.at(at) = static_cast<uint8_t>(value >> 8);
  frame.at(at + 1) = static_cast<uint8_t>(value);
}
// Where TCP begins in a frame without IP options and extension headers.
inline size_t tcp_at(const Octets& frame) { return kIpAt + (is_v4(frame) ? 20 : 40); }

// Makes the checksums right for what the headers claim, or for what there is of it.
void fix_checksums(Octets& frame, size_t tcp, size_t tcp_octets);
inline void fix_checksums(Octets& frame) {
  fix_checksums(frame, tcp_at(frame), frame.size() - tcp_at(frame));
}

// The frame with other TCP options (a multiple of four octets), lengths and checksums right.
Octets with_options(Octets frame, const Octets& options);
// An IPv6 frame with an extension header (a multiple of eight octets) of this kind before TCP.
Octets with_extension(Octets frame, uint8_t kind, const Octets& header);
// An ARP request or neighbour solicitation for `target`.
Octets ask_for(const IpAddress& target, const IpAddress& source);

}  // namespace millrace::conformance
