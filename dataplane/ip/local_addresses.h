// Our own addresses, numbered. Neighbours: host.h hands the numbers out, routes.h takes the prefixes.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/params.h"
#include "ip/host.h"
#include "ip/link_news.h"

namespace millrace::ip {

// The two halves of an address, for comparing and mixing; their byte order is the machine's.
struct AddressWords {
  uint64_t high = 0;
  uint64_t low = 0;
  AddressWords() = default;
  explicit AddressWords(const IpAddress& address) {
    std::memcpy(&high, address.octets().data(), 8);
    std::memcpy(&low, address.octets().data() + 8, 8);
  }
};

inline uint32_t mix(const IpAddress& address) {
  const AddressWords words(address);
  const uint64_t product = (words.high ^ (words.low * 0x9e37'79b9'7f4a'7c15ULL)) * 0xff51'afd7'ed55'8ccdULL;
  return static_cast<uint32_t>(product >> 32);
}

// fe80::/64 and the modified EUI-64 of `mac` (RFC 4291 §2.5.1, RFC 2464 §5).
IpAddress link_local_address(const MacAddress& mac);

// The configured addresses in their order, then the link-local one if any of them is IPv6.
class LocalAddresses {
 public:
  explicit LocalAddresses(const InterfaceParams& interface);

  // Of an address in use; kNoLocal: it is none of ours, or not in use.
  LocalId find(const IpAddress& address) const {
    for (uint32_t at = mix(address);; ++at) {
      const LocalId id = slots_[at & mask_];
      if (id == kNoLocal || prefixes_[id].address == address) return id;
    }
  }
  bool contains(const IpAddress& address) const { return find(address) != kNoLocal; }
  // The same whatever state the address is in; slowly.
  LocalId number_of(const IpAddress& address) const;
  const IpAddress& at(LocalId id) const { return prefixes_[id].address; }
  std::span<const Prefix> prefixes() const { return prefixes_; }

  AddressState state(LocalId id) const { return states_[id]; }
  bool is_usable(LocalId id) const { return states_[id] == AddressState::Preferred; }
  // In use, or to be.
  bool is_wanted(LocalId id) const { return states_[id] != AddressState::Duplicate; }
  void set_state(LocalId id, AddressState state);
  uint32_t tentative() const { return tentative_; }

  // Whether this IPv6 group is one that we have joined: all nodes, and the solicited-node groups of ours.
  bool in_group(const IpAddress& group) const;
  // Whether this is a broadcast address of one of our IPv4 subnets.
  bool is_subnet_broadcast(const IpAddress& address) const;

  // False: it was there already, or the numbers have run out.
  bool add(const Prefix& prefix);

 private:
  void place(LocalId id);
  void rebuild();

  std::vector<Prefix> prefixes_;
  std::vector<AddressState> states_;
  uint32_t tentative_ = 0;  // of them
  uint32_t unused_ = 0;     // likewise: tentative or duplicate
  std::vector<LocalId> slots_;  // of those in use: open addressing, at least half empty; only we choose what is in it
  uint32_t mask_ = 0;
};

}  // namespace millrace::ip
