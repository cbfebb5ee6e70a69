// Neighbour: source_address.h.
#include "ip/source_address.h"

#include <bit>

namespace millrace::ip {

namespace {

// RFC 4007 scopes in the numbers of RFC 4291 §2.7; RFC 6724 §3.2 gives IPv4 its own.
int scope_of(const IpAddress& address) {
  if (address.is_link_local() || address.is_loopback()) return 0x2;
  if (!address.is_v4() && address.octets()[0] == 0xff) return address.octets()[1] & 0x0f;
  return 0xe;
}

// RFC 6724 §2.1, the default policy table, as far as unicast addresses of hosts go.
int label_of(const IpAddress& address) {
  const auto& o = address.octets();
  if (address.is_v4()) return 4;
  if ((o[0] & 0xfe) == 0xfc) return 13;
  if (o[0] == 0x20 && o[1] == 0x02) return 2;
  if (o[0] == 0x20 && o[1] == 0x01 && o[2] == 0 && o[3] == 0) return 5;
  return 1;
}

// RFC 6724 §2.2.
int common_prefix(const Prefix& ours, const IpAddress& other) {
  const int limit = ours.length + (ours.address.is_v4() ? 96 : 0);
  int bits = 0;
  for (size_t i = 0; i < 16; ++i) {
    const auto difference = static_cast<uint8_t>(ours.address.octets()[i] ^ other.octets()[i]);
    bits += std::countl_zero(difference);
    if (difference != 0) break;
  }
  return bits < limit ? bits : limit;
}

// Rules 1 to 8: whether `a` is to be preferred over `b`.
bool preferred(const Prefix& a, const Prefix& b, const IpAddress& destination, const IpAddress& next_hop) {
  if (a.address == destination || b.address == destination) return a.address == destination;  // rule 1
  const int wanted = scope_of(destination);
  const int scope_a = scope_of(a.address), scope_b = scope_of(b.address);
  if (scope_a != scope_b) {  // rule 2
    const bool a_smaller = scope_a < scope_b;
    const int smaller = a_smaller ? scope_a : scope_b;
    return (smaller < wanted) != a_smaller;
  }
  const bool a_shares = a.contains(next_hop), b_shares = b.contains(next_hop);
  if (a_shares != b_shares) return a_shares;  // rule 5.5: the next hop's own prefix
  const bool a_label = label_of(a.address) == label_of(destination);
  const bool b_label = label_of(b.address) == label_of(destination);
  if (a_label != b_label) return a_label;                                // rule 6
  return common_prefix(a, destination) > common_prefix(b, destination);  // rule 8
}

}  // namespace

std::optional<IpAddress> select_source(const LocalAddresses& local, const IpAddress& destination,
                                       const IpAddress& next_hop) {
  const Prefix* best = nullptr;
  for (LocalId id = 0; id < local.prefixes().size(); ++id) {
    const Prefix& candidate = local.prefixes()[id];
    // RFC 6724 §4: tentative addresses are no candidates.
    if (candidate.address.is_v4() != destination.is_v4() || !local.is_usable(id)) continue;
    if (best == nullptr || preferred(candidate, *best, destination, next_hop)) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return best->address;
}

}  // namespace millrace::ip
