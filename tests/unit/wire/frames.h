// Frames written out octet by octet, with checksums worked out apart from the code under test, and the means
// to bend them. The peer is 02:00:00:00:00:01 at 10.0.0.1 and 2001:db8::1, we are :02, 10.0.0.2 and
// 2001:db8::2.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "wire/parse.h"

namespace millrace::wire::test {

using Octets = std::vector<uint8_t>;

inline constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 2}};
inline constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 1}};
inline constexpr IpAddress kOur4 = IpAddress::v4(10, 0, 0, 2);
inline constexpr IpAddress kPeer4 = IpAddress::v4(10, 0, 0, 1);
inline constexpr IpAddress kOur6 = IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
inline constexpr IpAddress kPeer6 = IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

inline Octets hex(std::string_view digits) {
  const auto value = [](char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  Octets out;
  for (size_t i = 0; i < digits.size(); i += 2) {
    while (digits[i] == ' ') ++i;
    out.push_back(static_cast<uint8_t>(value(digits[i]) << 4 | value(digits[i + 1])));
  }
  return out;
}

// 49152 -> 80, seq 0x11223344, window 64240: mss 1460, sackOK, TS 0x01020304/0, nop, wscale 7.
inline Octets syn4() {
  return hex(
      "020000000002 020000000001 0800"
      "4500003c 12344000 4006 1486 0a000001 0a000002"
      "c0000050 11223344 00000000 a002 faf0 3050 0000"
      "020405b4 0402080a 01020304 00000000 01030307");
}
// seq 0x11223345, ack 0x55667788, PSH ACK, window 502, nop nop TS 10/20, "GET /".
inline Octets data4() {
  return hex(
      "020000000002 020000000001 0800"
      "45000039 12344000 4006 1489 0a000001 0a000002"
      "c0000050 11223345 55667788 8018 01f6 c48d 0000"
      "0101080a 0000000a 00000014 474554202f");
}
inline Octets syn6() {
  return hex(
      "020000000002 020000000001 86dd"
      "60000000 0028 06 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
      "c0000050 11223344 00000000 a002 faf0 e8dd 0000"
      "020405b4 0402080a 01020304 00000000 01030307");
}
inline Octets data6() {
  return hex(
      "020000000002 020000000001 86dd"
      "60000000 0025 06 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
      "c0000050 11223345 55667788 8018 01f6 7d1b 0000"
      "0101080a 0000000a 00000014 474554202f");
}
// Echo requests, identifier 0xbeef, sequence 1, "abcdefg".
inline Octets echo4() {
  return hex(
      "020000000002 020000000001 0800"
      "45000023 12344000 4001 14a4 0a000001 0a000002"
      "0800a7e1 beef0001 61626364656667");
}
inline Octets echo6() {
  return hex(
      "020000000002 020000000001 86dd"
      "60000000 000f 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
      "8000d422 beef0001 61626364656667");
}
// Who has 2001:db8::2? To its solicited-node group, with the peer's link-layer address.
inline Octets solicitation() {
  return hex(
      "3333ff000002 020000000001 86dd"
      "60000000 0020 3a ff 20010db8000000000000000000000001 ff0200000000000000000001ff000002"
      "87001c27 00000000 20010db8000000000000000000000002 0101020000000001");
}
// 2001:db8::1 is at the peer's: solicited, override.
inline Octets advertisement() {
  return hex(
      "020000000002 020000000001 86dd"
      "60000000 0020 3a ff 20010db8000000000000000000000001 20010db8000000000000000000000002"
      "88008a73 60000000 20010db8000000000000000000000001 0201020000000001");
}
inline Octets arp_request() {
  return hex(
      "ffffffffffff 020000000001 0806"
      "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002");
}

inline std::vector<Octets> all_frames() {
  return {syn4(), data4(), syn6(), data6(), echo4(), echo6(), solicitation(), advertisement(), arp_request()};
}

// From fe80::1 at the peer's to all nodes: hop limit 64, high preference, 1800 s, reachable 30 s, retransmit 1 s; the
// peer's MAC address, an MTU of 1400, 2001:db8:1::/64 on the link for 3600 s.
inline Octets router_advertisement() {
  return hex(
      "333300000001 020000000001 86dd"
      "60000000 0040 3a ff fe800000000000000000000000000001 ff020000000000000000000000000001"
      "86000000 40080708 00007530 000003e8"
      "0101020000000001"
      "0501000000000578"
      "03044080 00000e10 00000708 00000000 20010db8000100000000000000000000");
}
// A general multicast listener query of version 2 from fe80::1, answered within 1 s.
inline Octets listener_query() {
  return hex(
      "333300000001 020000000001 86dd"
      "60000000 0024 00 01 fe800000000000000000000000000001 ff020000000000000000000000000001"
      "3a000502 00000100"
      "82000000 03e80000 00000000000000000000000000000000 02 7d 0000");
}

// RFC 1071 §1 word by word, as a reference.
inline uint16_t reference_checksum(std::span<const uint8_t> octets, uint32_t sum = 0) {
  for (size_t i = 0; i < octets.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{octets[i]} << 8 : uint32_t{octets[i]};
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

inline void put(Octets& frame, size_t at, uint16_t value) {
  frame[at] = static_cast<uint8_t>(value >> 8);
  frame[at + 1] = static_cast<uint8_t>(value);
}

inline bool is_ip4(const Octets& frame) { return frame[12] == 8 && frame[13] == 0; }
inline size_t transport_at(const Octets& frame) { return is_ip4(frame) ? 14 + (frame[14] & 15U) * 4 : 54; }

// The upper layer's checksum and, in IPv4, the header's, set right again. `upper`: where the upper layer
// starts (0: behind the fixed header) and `protocol` what it is, when extension headers hide it.
inline Octets& fix(Octets& frame, size_t upper = 0, uint8_t protocol = 0) {
  if (is_ip4(frame)) {
    const size_t header = (frame[14] & 15U) * 4;
    put(frame, 24, 0);
    put(frame, 24, reference_checksum(std::span(frame).subspan(14, header)));
  }
  if (upper == 0) upper = transport_at(frame);
  if (protocol == 0) protocol = is_ip4(frame) ? frame[23] : frame[20];
  const size_t field = upper + (protocol == 6 ? 16 : 2);
  const std::span<const uint8_t> body = std::span(frame).subspan(upper);
  uint32_t sum = 0;
  if (protocol != 1) {
    const auto addresses = std::span(frame).subspan(is_ip4(frame) ? 26 : 22, is_ip4(frame) ? 8 : 32);
    sum =
        static_cast<uint16_t>(~reference_checksum(addresses)) + protocol + static_cast<uint32_t>(body.size());
    sum = (sum & 0xffff) + (sum >> 16);
  }
  put(frame, field, 0);
  put(frame, field, reference_checksum(body, sum));
  return frame;
}

// Sets the lengths after octets were added or taken away.
inline Octets& fix_length(Octets& frame) {
  if (is_ip4(frame))
    put(frame, 16, static_cast<uint16_t>(frame.size() - 14));
  else
    put(frame, 18, static_cast<uint16_t>(frame.size() - 54));
  return frame;
}

class BorrowedPool final : public PacketPool {
 public:
  Packet allocate() override { return {}; }

 private:
  void release(void*) noexcept override {}
};

// A frame parsed from memory of exactly its size, so that the sanitizer sees a read past its end.
struct Parsed {
  explicit Parsed(std::span<const uint8_t> octets, uint16_t mtu = 1500,
                  RxChecksum known = RxChecksum::Unknown)
      : memory(std::make_unique<uint8_t[]>(octets.size())) {
    std::copy(octets.begin(), octets.end(), memory.get());
    const auto length = static_cast<uint32_t>(octets.size());
    Packet packet(&pool, memory.get(), memory.get(), length, length);
    packet.rx_checksum = known;
    parse_frame(packet, {.mac = kOurMac, .mtu = mtu}, frame);
  }
  Frame* operator->() { return &frame; }

  BorrowedPool pool;
  std::unique_ptr<uint8_t[]> memory;
  Frame frame;
};

}  // namespace millrace::wire::test
