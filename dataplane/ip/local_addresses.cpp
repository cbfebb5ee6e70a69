// Neighbour: local_addresses.h.
#include "ip/local_addresses.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "wire/arp_nd.h"

namespace millrace::ip {

IpAddress link_local_address(const MacAddress& mac) {
  const auto& m = mac.octets();
  return IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(m[0] ^ 2), m[1], m[2], 0xff, 0xfe,
                        m[3], m[4], m[5]});
}

LocalAddresses::LocalAddresses(const InterfaceParams& interface) {
  const auto& configured = interface.addresses;
  MILLRACE_CHECK(configured.size() + 1 < kNoLocal);
  slots_.assign(1, kNoLocal);
  bool v6 = false;
  for (const Prefix& prefix : configured) {
    add(prefix);
    v6 = v6 || !prefix.address.is_v4();
  }
  // RFC 4291 §2.8: an interface with IPv6 has a link-local address, from which ND speaks.
  if (v6) add({link_local_address(interface.mac), 64});
}

bool LocalAddresses::add(const Prefix& prefix) {
  const bool known = contains(prefix.address) || (unused_ != 0 && number_of(prefix.address) != kNoLocal);
  if (known || prefixes_.size() + 1 >= kNoLocal) return false;
  prefixes_.push_back(prefix);
  states_.push_back(AddressState::Preferred);
  if (slots_.size() >= 2 * (prefixes_.size() + 1))
    place(static_cast<LocalId>(prefixes_.size() - 1));
  else
    rebuild();
  return true;
}

LocalId LocalAddresses::number_of(const IpAddress& address) const {
  const auto at = std::find_if(prefixes_.begin(), prefixes_.end(),
                               [&](const Prefix& prefix) { return prefix.address == address; });
  return at == prefixes_.end() ? kNoLocal : static_cast<LocalId>(at - prefixes_.begin());
}

void LocalAddresses::set_state(LocalId id, AddressState state) {
  const bool was_usable = is_usable(id);
  if (states_[id] == AddressState::Tentative) --tentative_;
  if (state == AddressState::Tentative) ++tentative_;
  states_[id] = state;
  if (is_usable(id) == was_usable) return;
  if (was_usable) {
    ++unused_;
    rebuild();
  } else {
    --unused_;
    place(id);
  }
}

void LocalAddresses::rebuild() {
  slots_.assign(std::bit_ceil(2 * (prefixes_.size() + 1)), kNoLocal);
  mask_ = static_cast<uint32_t>(slots_.size() - 1);
  for (LocalId id = 0; id < prefixes_.size(); ++id)
    if (is_usable(id)) place(id);
}

void LocalAddresses::place(LocalId id) {
  uint32_t at = mix(prefixes_[id].address);
  while (slots_[at & mask_] != kNoLocal) ++at;
  slots_[at & mask_] = id;
}

bool LocalAddresses::in_group(const IpAddress& group) const {
  if (group == wire::all_nodes_group()) return true;
  // RFC 4862 §5.4.2: before a tentative address is asked for, too.
  for (LocalId id = 0; id < prefixes_.size(); ++id)
    if (is_wanted(id) && !at(id).is_v4() && wire::solicited_node_group(at(id)) == group)
      return true;
  return false;
}

bool LocalAddresses::is_subnet_broadcast(const IpAddress& address) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const Prefix& prefix) { return prefix.is_directed_broadcast(address); });
}

}  // namespace millrace::ip
