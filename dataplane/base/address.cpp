#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace millrace {

std::string MacAddress::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const uint8_t octet : octets_) {
    if (!out.empty()) out += ':';
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  std::array<uint8_t, 6> octets{};
  for (size_t i = 0; i < 6; ++i) {
    const char* first = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(first, first + 2, octets[i], 16);
    if (error != std::errc() || end != first + 2) return std::nullopt;
    if (i < 5 && first[2] != ':') return std::nullopt;
  }
  return MacAddress(octets);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<uint8_t, 16> octets{};
  if (inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1) return from_v4_wire(octets.data());
  if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) return v6(octets);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const { return *this == v4(0, 0, 0, 0) || *this == IpAddress(); }

bool IpAddress::is_multicast() const { return is_v4() ? (octets_[12] & 0xf0) == 0xe0 : octets_[0] == 0xff; }

bool IpAddress::is_broadcast() const { return *this == v4(255, 255, 255, 255); }

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets_[12] == 127;
  IpAddress one;
  one.octets_[15] = 1;
  return *this == one;
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return octets_[12] == 169 && octets_[13] == 254;
  return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_v4())
    inet_ntop(AF_INET, v4_wire(), buffer, sizeof buffer);
  else
    inet_ntop(AF_INET6, v6_wire(), buffer, sizeof buffer);
  return buffer;
}

std::string Endpoint::text() const {
  const std::string host = address.is_v4() ? address.text() : '[' + address.text() + ']';
  return host + ':' + std::to_string(port);
}

namespace {

// The prefix length counted from the first of the 16 octets.
unsigned mapped_length(const Prefix& prefix) { return prefix.length + (prefix.address.is_v4() ? 96U : 0U); }

uint8_t mask_octet(unsigned length, size_t index) {
  const unsigned first = static_cast<unsigned>(index) * 8;
  if (length >= first + 8) return 0xff;
  if (length <= first) return 0;
  return static_cast<uint8_t>(0xff << (8 - (length - first)));
}

}  // namespace

bool Prefix::contains(const IpAddress& other) const {
  const unsigned bits = mapped_length(*this);
  for (size_t i = 0; i < 16; ++i)
    if (((address.octets()[i] ^ other.octets()[i]) & mask_octet(bits, i)) != 0) return false;
  return address.is_v4() == other.is_v4();
}

IpAddress Prefix::network() const {
  const unsigned bits = mapped_length(*this);
  std::array<uint8_t, 16> octets = address.octets();
  for (size_t i = 0; i < 16; ++i) octets[i] = static_cast<uint8_t>(octets[i] & mask_octet(bits, i));
  return IpAddress::v6(octets);
}

bool Prefix::is_directed_broadcast(const IpAddress& other) const {
  if (!address.is_v4() || length > 30 || !contains(other)) return false;
  const unsigned bits = mapped_length(*this);
  for (size_t i = 12; i < 16; ++i)
    if ((other.octets()[i] | mask_octet(bits, i)) != 0xff) return false;
  return true;
}

std::string Prefix::text() const { return address.text() + '/' + std::to_string(length); }

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (length > (address->is_v4() ? 32U : 128U)) return std::nullopt;
  return Prefix{*address, static_cast<uint8_t>(length)};
}

}  // namespace millrace
