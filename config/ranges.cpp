#include "config/ranges.h"

#include <algorithm>

#include "config/quantity.h"
#include "config/text.h"

namespace millrace::config {

namespace {

std::optional<uint16_t> parse_port(std::string_view text) {
  const std::optional<uint64_t> number = parse_integer(text);
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

std::optional<IpAddress> parse_station(std::string_view text) {
  const bool graphic = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return graphic ? IpAddress::parse(text) : std::nullopt;  // inet_pton stops at a NUL
}

// The address `steps` behind another; carries run through all octets.
IpAddress behind(const IpAddress& address, uint32_t steps) {
  std::array<uint8_t, 16> octets = address.octets();
  uint32_t carry = steps;
  for (size_t i = octets.size(); i-- > 0 && carry != 0;) {
    carry += octets[i];
    octets[i] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  return IpAddress::v6(octets);
}

}  // namespace

std::string PortRange::text() const {
  return std::to_string(first) + (first == last ? "" : '-' + std::to_string(last));
}

std::string Target::text() const {
  return Endpoint{address, ports.first}.text() +
         (ports.first == ports.last ? "" : '-' + std::to_string(ports.last));
}

std::string AddressRange::text() const { return first.text() + (first == last ? "" : '-' + last.text()); }

std::vector<IpAddress> AddressRange::all() const {
  std::vector<IpAddress> out;
  for (uint32_t i = 0; i < kLimit; ++i) {
    out.push_back(behind(first, i));
    if (out.back() == last) break;
  }
  return out;
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<uint16_t> first = parse_port(text.substr(0, dash));
  const std::optional<uint16_t> last =
      dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<Target> parse_target(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> address = parse_station(host);
  const std::optional<PortRange> ports = parse_port_range(text.substr(colon + 1));
  if (!address || !ports || address->is_v4() == bracketed) return std::nullopt;
  return Target{*address, *ports};
}

std::optional<AddressRange> parse_address_range(std::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<IpAddress> first = parse_station(text.substr(0, dash));
  const std::optional<IpAddress> last =
      dash == std::string_view::npos ? first : parse_station(text.substr(dash + 1));
  if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) return std::nullopt;
  const AddressRange range{*first, *last};
  if (range.all().back() != *last) return std::nullopt;
  return range;
}

}  // namespace millrace::config
