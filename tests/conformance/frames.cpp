#include "frames.h"

#include <algorithm>

#include "base/packet.h"
#include "wire/arp_nd.h"
#include "wire/checksum.h"

namespace millrace::conformance {

namespace {

constexpr uint8_t kTcp = 6;
constexpr MacAddress kOurMac({0x02, 0, 0, 0, 0, 0x02}), kAskerMac({0x02, 0, 0, 0, 0, 0x77});

}  // namespace

void fix_checksums(Octets& frame, size_t tcp, size_t tcp_octets) {
  tcp_octets = std::min(tcp_octets, frame.size() - std::min(tcp, frame.size()));
  if (is_v4(frame)) {
    put16(frame, kIpAt + 10, 0);
    const size_t header = std::min<size_t>((frame[kIpAt] & 15U) * 4U, frame.size() - kIpAt);
    put16(frame, kIpAt + 10, wire::sum_of(frame.data() + kIpAt, header).checksum());
  }
  if (tcp_octets < 18) return;
  put16(frame, tcp + 16, 0);
  const wire::Sum pseudo =
      wire::pseudo_header_sum(frame.data() + kIpAt + (is_v4(frame) ? 12 : 8), is_v4(frame) ? 8 : 32, kTcp,
                              static_cast<uint32_t>(tcp_octets));
  put16(frame, tcp + 16, (wire::sum_of(frame.data() + tcp, tcp_octets) + pseudo).checksum());
}

Octets with_options(Octets frame, const Octets& options) {
  const size_t tcp = tcp_at(frame);
  const size_t header = size_t{frame[tcp + 12]} >> 4;
  frame.erase(frame.begin() + static_cast<ptrdiff_t>(tcp + 20),
              frame.begin() + static_cast<ptrdiff_t>(tcp + header * 4));
  frame.insert(frame.begin() + static_cast<ptrdiff_t>(tcp + 20), options.begin(), options.end());
  frame[tcp + 12] = static_cast<uint8_t>((5 + options.size() / 4) << 4);
  if (is_v4(frame))
    put16(frame, kIpAt + 2, frame.size() - kIpAt);
  else
    put16(frame, kIpAt + 4, frame.size() - kIpAt - 40);
  fix_checksums(frame);
  return frame;
}

Octets with_extension(Octets frame, uint8_t kind, const Octets& header) {
  Octets extension = header;
  extension[0] = frame[kIpAt + 6];
  frame[kIpAt + 6] = kind;
  frame.insert(frame.begin() + kIpAt + 40, extension.begin(), extension.end());
  put16(frame, kIpAt + 4, frame.size() - kIpAt - 40);
  return frame;
}

Octets ask_for(const IpAddress& target, const IpAddress& source) {
  HeapPool pool(1, 2048);
  Packet packet = pool.allocate();
  if (target.is_v4()) {
    wire::build_arp(packet, {.destination = kOurMac, .source = kAskerMac},
                    {.operation = wire::ArpPacket::kRequest,
                     .sender_mac = kAskerMac,
                     .sender = source,
                     .target_mac = MacAddress(),
                     .target = target});
  } else {
    wire::NdMessage message;
    message.solicitation = true;
    message.target = target;
    message.mac = kAskerMac;
    wire::build_nd(packet, {.destination = kOurMac, .source = kAskerMac}, source, target, message);
  }
  return {packet.bytes().begin(), packet.bytes().end()};
}

}  // namespace millrace::conformance
