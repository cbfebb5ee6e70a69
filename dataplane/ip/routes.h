// Where a packet goes next: on-link prefixes and routes, longest prefix first. Neighbours: neighbor.h
// resolves the next hop, source_address.h picks the address to speak from.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/params.h"
#include "ip/local_addresses.h"

namespace millrace::ip {

class Routes {
 public:
  Routes(const InterfaceParams& interface, const LocalAddresses& local);

  // The neighbour to hand a packet for `destination` to: a gateway, or `destination` itself. nullptr: no
  // route, or an address that we do not send to (a group's, a broadcast, one of ours).
  const IpAddress* next_hop(const IpAddress& destination) const;

  void add_on_link(const Prefix& prefix);

  // What routers say (RFC 4861 §6.3.4); it counts where nothing that is configured leads to a destination.
  void learn_on_link(std::span<const Prefix> prefixes);
  void learn_default_router(const std::optional<IpAddress>& router);

  // Those that are configured.
  std::vector<RouteRow> rows() const;
  // Whether the address lies in a prefix of this link.
  bool on_link(const IpAddress& address) const;

 private:
  // A prefix as masks, so that a look-up is two ands and two comparisons.
  struct Entry {
    AddressWords network;
    AddressWords mask;
    AddressWords broadcast;  // all ones below the prefix, when has_broadcast
    uint8_t length = 0;
    bool on_link = false;
    bool has_broadcast = false;
    IpAddress gateway;
  };

  static Entry entry_of(const Prefix& prefix);
  void insert(bool v4, const Entry& entry);
  static void insert(std::vector<Entry>& into, const Entry& entry);
  const Entry* find(const IpAddress& destination) const;
  [[gnu::cold]] const Entry* find_learnt(const AddressWords& destination) const;
  std::vector<Entry>& table(bool v4) { return v4 ? v4_ : v6_; }

  const LocalAddresses& local_;
  std::vector<Entry> v4_;  // sorted: the longest prefix first, on-link before a route of the same length
  std::vector<Entry> v6_;
  std::vector<Entry> learnt_;  // of IPv6, likewise
  std::optional<Entry> default_;
};

}  // namespace millrace::ip
