// The Internet checksum (RFC 1071). Partial sums are 64 bits wide and taken in the machine's byte order,
// which the one's complement sum does not mind (RFC 1071 §2 (B)): only fields that are computed rather than
// read have to be put in network order first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/address.h"

namespace millrace::wire {

// A one's complement sum over whole 16-bit words, not yet folded.
class Sum {
 public:
  constexpr Sum() = default;
  constexpr explicit Sum(uint64_t raw) : raw_(raw) {}

  constexpr uint64_t raw() const { return raw_; }
  // Adds a 16-bit field given as a number.
  constexpr Sum& add_field(uint16_t value) {
    if constexpr (std::endian::native == std::endian::little)
      value = static_cast<uint16_t>((value << 8) | (value >> 8));
    return *this += Sum(value);
  }
  constexpr Sum& operator+=(Sum other) {
    raw_ += other.raw_;
    raw_ += raw_ < other.raw_ ? 1U : 0U;  // end-around carry
    return *this;
  }
  friend constexpr Sum operator+(Sum a, Sum b) { return a += b; }

  // The sum in 16 bits, as a number: what a checksum field holds that the device shall finish.
  constexpr uint16_t folded() const {
    uint64_t sum = (raw_ & 0xffff'ffff) + (raw_ >> 32);
    sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    const auto folded = static_cast<uint16_t>(sum);
    if constexpr (std::endian::native == std::endian::little)
      return static_cast<uint16_t>((folded << 8) | (folded >> 8));
    return folded;
  }
  // The checksum field's value. Over data that includes a right checksum this is 0.
  constexpr uint16_t checksum() const { return static_cast<uint16_t>(~folded()); }

 private:
  uint64_t raw_ = 0;
};

// The sum over `length` octets, an odd last one padded with zero: only the last of several pieces may be odd.
Sum sum_of(const uint8_t* data, size_t length);

// Copies `length` octets, which do not overlap, and sums them on the way.
Sum copy_and_sum(uint8_t* to, const uint8_t* from, size_t length);

// The checksum after one 16-bit field that it covers has changed (RFC 1624 §3, equation 3).
constexpr uint16_t update_checksum(uint16_t checksum, uint16_t old_field, uint16_t new_field) {
  uint32_t sum = uint32_t{static_cast<uint16_t>(~checksum)} + static_cast<uint16_t>(~old_field) + new_field;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// The pseudo-header's sum: RFC 9293 §3.1 for IPv4, RFC 8200 §8.1 for IPv6. `length` is the upper layer's,
// header included. Both addresses are of one family.
Sum pseudo_header_sum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                      uint32_t length);

// The same from the addresses as they stand in an IP header: source, destination, `octets` (8 or 32) in all.
inline Sum pseudo_header_sum(const uint8_t* addresses, size_t octets, uint8_t protocol, uint32_t length) {
  // A length above 65535 never occurs without jumbograms, so the IPv4 and IPv6 layouts give one sum.
  return sum_of(addresses, octets).add_field(protocol).add_field(static_cast<uint16_t>(length));
}

}  // namespace millrace::wire
