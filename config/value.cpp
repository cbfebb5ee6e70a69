#include "config/value.h"

#include <algorithm>
#include <cctype>

#include "config/quantity.h"
#include "config/schema.h"
#include "config/text.h"

namespace millrace::config {

namespace {

constexpr uint32_t kLcoreLimit = 1024;
constexpr IpAddress kAnyV4 = IpAddress::v4(0, 0, 0, 0);
constexpr IpAddress kAnyV6 = IpAddress();

ParsedValue good(Value value) { return {std::move(value), {}}; }

ParsedValue bad(const Key& key, std::string_view text, std::string_view why) {
  return {std::nullopt, quoted(text) + ' ' + std::string(why) + "; give " + allowed(key)};
}

std::optional<uint64_t> parse_number(Type type, std::string_view text) {
  switch (type) {
    case Type::Integer:
      return parse_integer(text);
    case Type::Duration:
      return parse_duration(text);
    case Type::Size:
      return parse_size(text);
    case Type::Rate:
      return parse_rate(text);
    default:
      return parse_octal(text);
  }
}

std::string format_number(Type type, uint64_t value) {
  switch (type) {
    case Type::Duration:
      return format_duration(value);
    case Type::Size:
      return format_size(value);
    case Type::Rate:
      return format_rate(value);
    case Type::Mode:
      return format_octal(value);
    default:
      return std::to_string(value);
  }
}

bool is_number(Type type) {
  return type == Type::Integer || type == Type::Duration || type == Type::Size || type == Type::Rate ||
         type == Type::Mode;
}

bool is_string(Type type) {
  return type == Type::Word || type == Type::Path || type == Type::Vdev || type == Type::Pci ||
         type == Type::Words;
}

std::string_view number_noun(Type type) {
  switch (type) {
    case Type::Duration:
      return "a duration";
    case Type::Size:
      return "a size";
    case Type::Rate:
      return "a rate";
    case Type::Mode:
      return "permission bits in octal";
    default:
      return "a whole number";
  }
}

ParsedValue parse_bounded(const Key& key, std::string_view text) {
  const std::optional<uint64_t> number = parse_number(key.type, text);
  if (!number) {
    const bool unit_missing = key.type == Type::Duration && parse_integer(text).has_value();
    return bad(key, text, unit_missing ? "has no unit" : "is not " + std::string(number_noun(key.type)));
  }
  if (*number < key.bounds.min) return bad(key, text, "is too small");
  if (*number > key.bounds.max) return bad(key, text, "is too large");
  return good(*number);
}

ParsedValue parse_choice(const Key& key, std::string_view text) {
  for (size_t i = 0; i < key.choices.size(); ++i)
    if (key.choices[i] == text) return good(uint64_t{i});
  const std::vector<std::string> words(key.choices.begin(), key.choices.end());
  const std::string_view near = nearest(text, words);
  if (!near.empty())
    return {std::nullopt, quoted(text) + " is not one of " + listed(key.choices) + "; did you mean " +
                              std::string(near) + "?"};
  return bad(key, text, "is not known");
}

bool is_graphic(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// To these drivers `iface` is an interface of the kernel; to net_vhost it is the path of a socket.
bool names_interface(std::string_view driver) {
  for (const std::string_view one : {"net_tap", "net_af_packet", "net_af_xdp"})
    if (driver.starts_with(one)) return true;
  return false;
}

// NAME of a driver with letters first, and `,key=value` after it; the name of an interface must fit the
// kernel.
std::string_view vdev_problem(std::string_view text) {
  const std::string_view driver = text.substr(0, text.find(','));
  if (!is_graphic(text)) return "has blanks or control characters";
  if (!is_name(driver) || std::isalpha(static_cast<unsigned char>(driver.front())) == 0)
    return "names no driver";
  constexpr size_t kInterfaceNameLimit = 15;  // IFNAMSIZ - 1
  const size_t iface = text.find(",iface=");
  if (iface != std::string_view::npos) {
    const std::string_view name = text.substr(iface + 7);
    if (names_interface(driver) && name.substr(0, name.find(',')).size() > kInterfaceNameLimit)
      return "names an interface longer than the kernel's 15 characters";
    if (name.empty() || name.front() == ',') return "has an empty iface=";
  }
  return {};
}

// [DDDD:]BB:DD.F with device arguments after a comma.
std::string_view pci_problem(std::string_view text) {
  if (!is_graphic(text)) return "has blanks or control characters";
  std::string_view address = text.substr(0, text.find(','));
  if (address.size() == 12) {
    if (address[4] != ':') return "is not a PCI address";
    address.remove_prefix(5);
  }
  static constexpr std::string_view kPattern = "xx:xx.x";
  if (address.size() != kPattern.size()) return "is not a PCI address";
  for (size_t i = 0; i < kPattern.size(); ++i) {
    const bool hex = std::isxdigit(static_cast<unsigned char>(address[i])) != 0;
    if (kPattern[i] == 'x' ? !hex : address[i] != kPattern[i]) return "is not a PCI address";
  }
  return {};
}

ParsedValue parse_string(const Key& key, std::string_view text) {
  if (text.empty()) return bad(key, text, "is empty");
  if (text.size() < key.bounds.min || text.size() > key.bounds.max)
    return bad(key, text, "is " + std::to_string(text.size()) + " octets long");
  std::string_view problem;
  if (!is_utf8(text)) problem = "is not UTF-8";
  if (key.type == Type::Vdev) problem = vdev_problem(text);
  if (key.type == Type::Pci) problem = pci_problem(text);
  if (key.type == Type::Word && !is_graphic(text)) problem = "has blanks or control characters";
  const bool has_control =
      std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
  if (has_control) problem = "has control characters";
  if (!problem.empty()) return bad(key, text, problem);
  return good(std::string(text));
}

ParsedValue parse_mac(const Key& key, std::string_view text) {
  const std::optional<MacAddress> mac = MacAddress::parse(text);
  if (!mac) return bad(key, text, "is not a MAC address");
  if (mac->is_multicast()) return bad(key, text, "is a group address");
  if (mac->is_zero()) return bad(key, text, "is all zero");
  return good(*mac);
}

template <typename T>
ParsedValue parsed(const Key& key, std::string_view text, std::optional<T> value, std::string_view why) {
  return value ? good(std::move(*value)) : bad(key, text, why);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  if (!is_graphic(text)) return std::nullopt;  // inet_pton stops at a NUL
  return Prefix::parse(text);
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (!is_graphic(text)) return std::nullopt;
  return IpAddress::parse(text);
}

std::string format_listen(const Endpoints& listen) {
  if (listen.size() == 2 && listen[0].port == listen[1].port && listen[0].address == kAnyV4 &&
      listen[1].address == kAnyV6)
    return std::to_string(listen[0].port);
  std::string out;
  for (const Endpoint& endpoint : listen) out += (out.empty() ? "" : ", ") + endpoint.text();
  return out;
}

std::string format_lcores(const LcoreList& lcores) {
  if (lcores.empty()) return "auto";
  std::string out;
  for (size_t i = 0; i < lcores.size();) {
    size_t end = i;
    while (end + 1 < lcores.size() && lcores[end + 1] == lcores[end] + 1) ++end;
    out += (out.empty() ? "" : ",") + std::to_string(lcores[i]);
    if (end > i) out += (end == i + 1 ? ',' : '-') + std::to_string(lcores[end]);
    i = end + 1;
  }
  return out;
}

std::string format_route(const Route& route) {
  return route.destination.text() + " via " + route.gateway.text();
}

std::string allowed_number(const Key& key) {
  const std::string min = format_number(key.type, key.bounds.min);
  std::string out = std::string(number_noun(key.type)) + " from " + min;
  if (key.bounds.max != std::numeric_limits<uint64_t>::max())
    out += " to " + format_number(key.type, key.bounds.max);
  else
    out += " up";
  if (!key.special.empty()) out += " (" + min + ": " + std::string(key.special) + ')';
  return out;
}

std::string_view allowed_form(Type type) {
  switch (type) {
    case Type::Boolean:
      return "on or off (also yes, no, true, false)";
    case Type::Mac:
      return "the MAC address of one station";
    case Type::Address:
      return "an IPv4 or IPv6 address with the length of its prefix";
    case Type::Route:
      return "PREFIX via GATEWAY, both IPv4 or both IPv6";
    case Type::Listen:
      return "a port from 1 to 65535, alone or behind an address of the endpoint";
    case Type::Lcores:
      return "auto, or CPU numbers and ranges below 1024, each once";
    case Type::Vdev:
      return "a driver's name with a number, and its arguments after commas";
    case Type::Pci:
      return "a PCI address";
    case Type::Words:
      return "words with blanks between them";
    case Type::Target:
      return "ADDRESS:PORT or ADDRESS:FIRST-LAST";
    case Type::AddressRange:
      return "ADDRESS or FIRST-LAST, at most 1024 addresses of one family";
    case Type::PortRange:
      return "PORT or FIRST-LAST, from 1 to 65535";
    case Type::Path:
      return "a path";
    default:
      return "a word without blanks";
  }
}

}  // namespace

ParsedValue parse_value(const Key& key, std::string_view text) {
  if (is_number(key.type)) return parse_bounded(key, text);
  switch (key.type) {
    case Type::Boolean:
      return parsed(key, text, parse_boolean(text), "is neither on nor off");
    case Type::Choice:
      return parse_choice(key, text);
    case Type::Mac:
      return parse_mac(key, text);
    case Type::Address:
      return parsed(key, text, parse_prefix(text), "is not an address with a prefix length");
    case Type::Route:
      return parsed(key, text, parse_route(text), "is not a route");
    case Type::Listen:
      return parsed(key, text, parse_listen(text), "is not a port to listen on");
    case Type::Lcores:
      return parsed(key, text, parse_lcores(text), "is not a list of CPUs");
    case Type::Target:
      return parsed(key, text, parse_target(text), "is not an address with a port");
    case Type::AddressRange:
      return parsed(key, text, parse_address_range(text), "is not an address or a range of addresses");
    case Type::PortRange:
      return parsed(key, text, parse_port_range(text), "is not a port or a range of ports");
    default:
      return parse_string(key, text);
  }
}

std::string format_value(const Key& key, const Value& value) {
  if (is_number(key.type)) return format_number(key.type, std::get<uint64_t>(value));
  switch (key.type) {
    case Type::Boolean:
      return format_boolean(std::get<bool>(value));
    case Type::Choice:
      return std::string(key.choices[std::get<uint64_t>(value)]);
    case Type::Mac:
      return std::get<MacAddress>(value).text();
    case Type::Address:
      return std::get<Prefix>(value).text();
    case Type::Route:
      return format_route(std::get<Route>(value));
    case Type::Listen:
      return format_listen(std::get<Endpoints>(value));
    case Type::Lcores:
      return format_lcores(std::get<LcoreList>(value));
    case Type::Target:
      return std::get<Target>(value).text();
    case Type::AddressRange:
      return std::get<AddressRange>(value).text();
    case Type::PortRange:
      return std::get<PortRange>(value).text();
    default:
      return std::get<std::string>(value);
  }
}

std::string allowed(const Key& key) {
  if (key.type == Type::Choice) return listed(key.choices);
  std::string out = is_number(key.type) ? allowed_number(key) : std::string(allowed_form(key.type));
  // A plain number or a boolean needs no example.
  const bool plain = key.type == Type::Integer || key.type == Type::Mode || key.type == Type::Boolean;
  if (!plain) out += ", as in " + std::string(key.example);
  if (is_string(key.type)) out += " (at most " + std::to_string(key.bounds.max) + " octets)";
  return out;
}

std::optional<Endpoints> parse_listen(std::string_view text) {
  const size_t colon = text.rfind(':');
  const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const std::optional<uint64_t> number = parse_integer(digits);
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  const auto port = static_cast<uint16_t>(*number);
  if (colon == std::string_view::npos) return Endpoints{{kAnyV4, port}, {kAnyV6, port}};

  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> address = parse_ip(host);
  if (!address || address->is_v4() == bracketed) return std::nullopt;
  return Endpoints{{*address, port}};
}

std::optional<Route> parse_route(std::string_view text) {
  static constexpr std::string_view kVia = " via ";
  const size_t via = text.find(kVia);
  if (via == std::string_view::npos) return std::nullopt;
  const std::string_view destination = trimmed(text.substr(0, via));
  const std::optional<IpAddress> gateway = parse_ip(trimmed(text.substr(via + kVia.size())));
  if (!gateway) return std::nullopt;
  if (destination == "default") return Route{{gateway->is_v4() ? kAnyV4 : kAnyV6, 0}, *gateway};
  const std::optional<Prefix> prefix = parse_prefix(destination);
  if (!prefix || prefix->address.is_v4() != gateway->is_v4()) return std::nullopt;
  return Route{*prefix, *gateway};
}

std::optional<LcoreList> parse_lcores(std::string_view text) {
  LcoreList lcores;
  if (text == "auto") return lcores;
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    const std::string_view piece = trimmed(text.substr(0, comma));
    more = comma != std::string_view::npos;
    text = more ? text.substr(comma + 1) : std::string_view{};

    const size_t dash = piece.find('-');
    const std::optional<uint64_t> first = parse_integer(piece.substr(0, dash));
    const std::optional<uint64_t> last =
        dash == std::string_view::npos ? first : parse_integer(piece.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= kLcoreLimit) return std::nullopt;
    for (uint64_t lcore = *first; lcore <= *last; ++lcore) lcores.push_back(static_cast<uint32_t>(lcore));
    if (lcores.size() > kLcoreLimit) return std::nullopt;
  }
  std::sort(lcores.begin(), lcores.end());
  if (std::adjacent_find(lcores.begin(), lcores.end()) != lcores.end()) return std::nullopt;
  return lcores;
}

}  // namespace millrace::config
