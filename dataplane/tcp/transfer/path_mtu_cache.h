// What a shard remembers of paths whose MTU is less than the port's (RFC 1191 §5, RFC 8201 §5.2): one entry a
// destination, for a while (RFC 1191 §6.3). Bounded: sets of a few entries, and the oldest gives way. Nothing
// gets in but by a connection that has found out, or whose ICMP error has passed the tests of RFC 5927 §7.
// Neighbour: path_mtu.h.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/entropy.h"
#include "base/time.h"
#include "flow/key.h"

namespace millrace::tcp {

class PathMtuCache {
 public:
  // At most `entries`, rounded down to whole sets; fewer than one set: nothing is remembered.
  PathMtuCache(uint32_t entries, Entropy& entropy) : hash_(entropy), entries_(entries / kSet * kSet) {}

  // Octets of the largest packet that is known to get there; 0: nothing is known, or not any more.
  uint16_t find(const IpAddress& destination, Instant now, Micros lifetime);
  void store(const IpAddress& destination, uint16_t mtu, Instant now);
  void forget(const IpAddress& destination);

  bool empty() const { return used_ == 0; }
  uint32_t used() const { return used_; }
  uint32_t bound() const { return static_cast<uint32_t>(entries_.size()); }

 private:
  static constexpr uint32_t kSet = 4;
  struct Entry {
    IpAddress destination;
    uint16_t mtu = 0;  // 0: free
    Instant learnt_at{};
  };

  Entry* set_of(const IpAddress& destination);
  Entry* look_up(const IpAddress& destination);

  flow::FlowHash hash_;
  std::vector<Entry> entries_;
  uint32_t used_ = 0;
};

}  // namespace millrace::tcp
