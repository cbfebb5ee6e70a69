// Link and network addresses. One type holds both families, so that no code above has twins for v4 and v6.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

enum class Family : uint8_t { V4, V6 };

class MacAddress {
 public:
  constexpr MacAddress() = default;
  constexpr explicit MacAddress(const std::array<uint8_t, 6>& octets) : octets_(octets) {}

  constexpr const std::array<uint8_t, 6>& octets() const { return octets_; }
  constexpr bool is_multicast() const { return (octets_[0] & 1) != 0; }
  constexpr bool is_zero() const { return octets_ == std::array<uint8_t, 6>{}; }
  std::string text() const;
  static std::optional<MacAddress> parse(std::string_view text);

  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
  // By words: the library would call memcmp.
  friend constexpr bool operator==(const MacAddress& a, const MacAddress& b) {
    using Words = std::array<uint16_t, 3>;
    const Words x = std::bit_cast<Words>(a.octets_);
    const Words y = std::bit_cast<Words>(b.octets_);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
  }

 private:
  std::array<uint8_t, 6> octets_{};
};

inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// An IPv4 or IPv6 address in 16 octets: IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). Family follows from the
// value; an IPv4-mapped address never appears in an IPv6 header that we accept.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  static constexpr IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    IpAddress address;
    address.octets_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
    return address;
  }
  static constexpr IpAddress v6(const std::array<uint8_t, 16>& octets) {
    IpAddress address;
    address.octets_ = octets;
    return address;
  }
  // From the four octets at `wire`, as they stand in an IPv4 or ARP header.
  static IpAddress from_v4_wire(const uint8_t* wire) { return v4(wire[0], wire[1], wire[2], wire[3]); }
  // From the sixteen octets at `wire`, as they stand in an IPv6 header.
  static IpAddress from_v6_wire(const uint8_t* wire) {
    IpAddress address;
    std::memcpy(address.octets_.data(), wire, 16);
    return address;
  }
  static std::optional<IpAddress> parse(std::string_view text);

  constexpr bool is_v4() const {
    const auto words = std::bit_cast<std::array<uint32_t, 4>>(octets_);
    constexpr auto kMapped = std::bit_cast<uint32_t>(std::array<uint8_t, 4>{0, 0, 0xff, 0xff});
    return (words[0] | words[1] | (words[2] ^ kMapped)) == 0;
  }
  constexpr Family family() const { return is_v4() ? Family::V4 : Family::V6; }
  constexpr const std::array<uint8_t, 16>& octets() const { return octets_; }
  // The octets that go on the wire: the last 4 for IPv4, all 16 for IPv6.
  const uint8_t* v4_wire() const { return octets_.data() + 12; }
  const uint8_t* v6_wire() const { return octets_.data(); }

  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_multicast() const;    // 224.0.0.0/4 or ff00::/8
  bool is_broadcast() const;    // 255.255.255.255
  bool is_loopback() const;     // 127.0.0.0/8 or ::1
  bool is_link_local() const;   // 169.254.0.0/16 or fe80::/10
  std::string text() const;     // dotted or RFC 5952

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    using Words = std::array<uint64_t, 2>;
    const Words x = std::bit_cast<Words>(a.octets_);
    const Words y = std::bit_cast<Words>(b.octets_);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }

 private:
  std::array<uint8_t, 16> octets_{};
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  std::string text() const;  // 10.0.0.2:80 or [2001:db8::2]:80
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// An address with the length of its prefix: 0 to 32 for IPv4, 0 to 128 for IPv6.
struct Prefix {
  IpAddress address;
  uint8_t length = 0;

  bool contains(const IpAddress& other) const;
  IpAddress network() const;                                 // address with the host bits cleared
  bool is_directed_broadcast(const IpAddress& other) const;  // IPv4, length <= 30
  std::string text() const;                                  // 10.0.0.2/24
  static std::optional<Prefix> parse(std::string_view text);
  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

}  // namespace millrace
