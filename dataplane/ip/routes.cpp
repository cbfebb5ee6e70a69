// Neighbour: routes.h. A handful of entries is searched from the front: no tree would be faster.
#include "ip/routes.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace millrace::ip {

Routes::Routes(const InterfaceParams& interface, const LocalAddresses& local) : local_(local) {
  for (const Prefix& prefix : local.prefixes()) add_on_link(prefix);
  for (const Route& route : interface.routes) {
    Entry entry = entry_of(route.destination);
    entry.gateway = route.gateway;
    entry.on_link = route.gateway.is_unspecified();
    insert(route.destination.address.is_v4(), entry);
  }
}

void Routes::add_on_link(const Prefix& prefix) {
  Entry entry = entry_of(prefix);
  entry.on_link = true;
  entry.has_broadcast = prefix.address.is_v4() && prefix.length <= 30;
  insert(prefix.address.is_v4(), entry);
}

// Behind those as long, but an on-link prefix before routes.
void Routes::insert(bool v4, const Entry& entry) {
  insert(table(v4), entry);
}

void Routes::insert(std::vector<Entry>& into, const Entry& entry) {
  const auto next = std::find_if(into.begin(), into.end(), [&](const Entry& other) {
    return other.length < entry.length || (other.length == entry.length && entry.on_link && !other.on_link);
  });
  into.insert(next, entry);
}

Routes::Entry Routes::entry_of(const Prefix& prefix) {
  std::array<uint8_t, 16> mask{};
  const unsigned bits = prefix.length + (prefix.address.is_v4() ? 96U : 0U);
  for (unsigned bit = 0; bit < bits; ++bit)
    mask[bit / 8] = static_cast<uint8_t>(mask[bit / 8] | (0x80U >> (bit % 8)));
  Entry entry;
  entry.network = AddressWords(prefix.network());
  entry.mask = AddressWords(IpAddress::v6(mask));
  entry.broadcast.high = entry.network.high | ~entry.mask.high;
  entry.broadcast.low = entry.network.low | ~entry.mask.low;
  entry.length = prefix.length;
  return entry;
}

const Routes::Entry* Routes::find(const IpAddress& destination) const {
  const AddressWords words(destination);
  for (const Entry& entry : destination.is_v4() ? v4_ : v6_)
    if ((words.high & entry.mask.high) == entry.network.high &&
        (words.low & entry.mask.low) == entry.network.low)
      return &entry;
  return destination.is_v4() ? nullptr : find_learnt(words);
}

const Routes::Entry* Routes::find_learnt(const AddressWords& destination) const {
  for (const Entry& entry : learnt_)
    if ((destination.high & entry.mask.high) == entry.network.high &&
        (destination.low & entry.mask.low) == entry.network.low)
      return &entry;
  return default_ ? &*default_ : nullptr;
}

void Routes::learn_on_link(std::span<const Prefix> prefixes) {
  learnt_.clear();
  for (const Prefix& prefix : prefixes) {
    Entry entry = entry_of(prefix);
    entry.on_link = true;
    insert(learnt_, entry);
  }
}

void Routes::learn_default_router(const std::optional<IpAddress>& router) {
  default_.reset();
  if (!router) return;
  default_ = entry_of({IpAddress(), 0});
  default_->gateway = *router;
}

std::vector<RouteRow> Routes::rows() const {
  std::vector<RouteRow> rows;
  for (const auto* table : {&v4_, &v6_})
    for (const Entry& entry : *table) {
      std::array<uint8_t, 16> octets;
      std::memcpy(octets.data(), &entry.network.high, 8);
      std::memcpy(octets.data() + 8, &entry.network.low, 8);
      rows.push_back({.destination = {IpAddress::v6(octets), entry.length}, .gateway = entry.gateway});
    }
  return rows;
}

const IpAddress* Routes::next_hop(const IpAddress& destination) const {
  const Entry* entry = find(destination);
  if (entry == nullptr || destination.is_multicast() || destination.is_broadcast() ||
      destination.is_loopback() || destination.is_unspecified() || local_.contains(destination))
    return nullptr;
  if (!entry->on_link) return &entry->gateway;
  const AddressWords words(destination);
  if (entry->has_broadcast && words.high == entry->broadcast.high && words.low == entry->broadcast.low)
    return nullptr;
  return &destination;
}

bool Routes::on_link(const IpAddress& address) const {
  const Entry* entry = find(address);
  return entry != nullptr && entry->on_link;
}

}  // namespace millrace::ip
