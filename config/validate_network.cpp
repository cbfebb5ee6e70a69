// Ports, addresses and routes against each other.
#include <algorithm>

#include "config/check.h"
#include "config/quantity.h"

namespace millrace::config {

namespace {

// InterfaceParams has one link address and one MTU; a second port would be accepted and then not used.
constexpr size_t kPortLimit = 1;
constexpr uint64_t kMtuOfIpv6 = 1280;  // RFC 8200 §5

bool is_host(const Prefix& prefix) { return prefix.length == (prefix.address.is_v4() ? 32 : 128); }

// Why an address cannot be an endpoint's own; empty when it can.
std::string unusable(const Prefix& prefix) {
  const IpAddress& address = prefix.address;
  if (address.is_unspecified()) return "is the unspecified address";
  if (address.is_loopback()) return "is a loopback address, which no link carries";
  if (address.is_multicast()) return "is a multicast address";
  if (address.is_broadcast()) return "is the broadcast address";
  if (prefix.length == 0) return "has a prefix of length 0, which is every address";
  if (prefix.is_directed_broadcast(address))
    return "is the broadcast address of " + Prefix{prefix.network(), prefix.length}.text();
  // Both addresses of a /31 (RFC 3021) and of a /127 (RFC 6164) are hosts.
  const bool point_to_point = prefix.length >= (address.is_v4() ? 31 : 127);
  if (!point_to_point && prefix.network() == address)
    return std::string("is the ") + (address.is_v4() ? "network" : "subnet-router anycast") +
           " address of its prefix";
  return {};
}

std::string an_address_of(const Prefix& prefix) {
  std::array<uint8_t, 16> octets = prefix.network().octets();
  octets[15] = static_cast<uint8_t>(octets[15] | 2);
  return Prefix{IpAddress::v6(octets), prefix.length}.text();
}

bool on_link(const Settings& settings, const IpAddress& gateway) {
  if (!gateway.is_v4() && gateway.is_link_local()) return true;
  return std::any_of(settings.addresses.begin(), settings.addresses.end(),
                     [&](const Prefix& prefix) { return prefix.contains(gateway); });
}

std::string prefixes_of(const Settings& settings) {
  std::string out;
  for (const Prefix& prefix : settings.addresses)
    if (out.size() < 200) out += (out.empty() ? "" : ", ") + prefix.text();
  return out;
}

// Why packets cannot be handed to this gateway; empty when they can.
std::string unreachable(const Check& check, const IpAddress& gateway) {
  if (gateway.is_unspecified() || gateway.is_multicast() || gateway.is_broadcast() || gateway.is_loopback())
    return "is not the address of a station";
  for (const Prefix& prefix : check.settings.addresses) {
    if (prefix.address == gateway) return "is this endpoint's own address; name the next station";
    if (prefix.is_directed_broadcast(gateway)) return "is the broadcast address of " + prefix.text();
  }
  if (check.settings.addresses.empty() || check.is_refused("address.add") || on_link(check.settings, gateway))
    return {};
  return "is outside every prefix of [address] (" + prefixes_of(check.settings) +
         "), so nothing on the link answers for it; give a gateway inside one of them";
}

}  // namespace

void check_ports(Check& check) {
  const bool has_v6 = std::any_of(check.settings.addresses.begin(), check.settings.addresses.end(),
                                  [](const Prefix& prefix) { return !prefix.address.is_v4(); });
  size_t count = 0;
  for (const Config::Instance& instance : check.config.instances()) {
    if (instance.section != "port") continue;
    const std::string name = "port." + instance.name;
    if (++count > kPortLimit)
      check.problems.add(instance.origin, '[' + name + ']',
                         "is a second port; this version serves one, remove the others");
    const bool vdev = check.config.is_set(name + ".vdev");
    const bool pci = check.config.is_set(name + ".pci");
    const bool refused = check.is_refused(name + ".vdev") || check.is_refused(name + ".pci");
    if (vdev && pci)
      check.problems.add(
          check.config.origin(name + ".pci"), name + ".pci",
          "contradicts " + Check::shown(check.entry(name + ".vdev")) + "; a port is one device, remove one");
    if (!vdev && !pci && !refused && check.problems.empty())
      check.problems.add(instance.origin, '[' + name + ']',
                         "names no device; add `vdev = net_tap0,iface=mr0` or `pci = 0000:01:00.0`");
    const Entry mtu = check.entry(name + ".mtu");
    if (has_v6 && std::get<uint64_t>(mtu.value) < kMtuOfIpv6)
      check.problems.add(mtu.origin, mtu.path(),
                         mtu.text() +
                             " is too small for the endpoint's IPv6 addresses; give 1280 "
                             "or more, or remove those addresses");
  }
}

void check_addresses(Check& check) {
  const std::vector<Entry> entries = check.config.lookup("address.add");
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& prefix = std::get<Prefix>(entries[i].value);
    if (const std::string why = unusable(prefix); !why.empty())
      check.problems.add(entries[i].origin, entries[i].path(),
                         prefix.text() + ' ' + why + "; give the address of one station, as in " +
                             (is_host(prefix) || prefix.length == 0 || prefix.address.is_multicast() ||
                                      prefix.address.is_loopback() || prefix.address.is_unspecified()
                                  ? "10.0.0.2/24"
                                  : an_address_of(prefix)));
    for (size_t j = 0; j < i; ++j) {
      if (std::get<Prefix>(entries[j].value).address != prefix.address) continue;
      check.problems.add(
          entries[i].origin, entries[i].path(),
          prefix.text() + " is given already: " + Check::shown(entries[j]) + "; remove one of the two");
      break;
    }
  }
}

void check_routes(Check& check) {
  const std::vector<Entry> entries = check.config.lookup("route.add");
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [destination, gateway] = std::get<Route>(entries[i].value);
    const auto refuse = [&](const std::string& message) {
      check.problems.add(entries[i].origin, entries[i].path(), message);
    };
    if (destination.network() != destination.address)
      refuse(destination.text() + " has bits beyond its prefix; did you mean " +
             Prefix{destination.network(), destination.length}.text() + "?");
    if (const std::string why = unreachable(check, gateway); !why.empty())
      refuse("gateway " + gateway.text() + ' ' + why);
    for (size_t j = 0; j < i; ++j) {
      if (std::get<Route>(entries[j].value).destination != destination) continue;
      refuse(destination.text() + " has a route already: " + Check::shown(entries[j]) +
             "; remove one of the two");
      break;
    }
  }
}

}  // namespace millrace::config
