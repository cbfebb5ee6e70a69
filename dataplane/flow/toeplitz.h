// The hash by which NICs spread flows over their queues (RSS). Neighbour: steering.h, which makes an owner of
// it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/address.h"

namespace millrace::flow {

// Toeplitz over source address, destination address, source port and destination port of a packet as it comes
// in: the remote end is the source. Each bit of the input that is set folds in 32 bits of the key, so the
// parts of the input add up: a table of 256 sums for every octet.
class Toeplitz {
 public:
  static constexpr size_t kInputOctets = 36;  // of IPv6; IPv4 has 12
  static constexpr size_t kKeyOctets = kInputOctets + 4;
  using Key = std::array<uint8_t, kKeyOctets>;

  explicit Toeplitz(const Key& key);

  uint32_t operator()(const Endpoint& remote, const Endpoint& local) const {
    return without_local_port(remote, local.address) ^ of_local_port(local.address.family(), local.port);
  }
  // The hash is these two, folded together: one look for many ports of our own.
  uint32_t without_local_port(const Endpoint& remote, const IpAddress& local) const;
  uint32_t of_local_port(Family family, uint16_t port) const {
    const size_t at = family == Family::V4 ? 10 : 34;
    return sums_[at][port >> 8] ^ sums_[at + 1][port & 0xff];
  }

 private:
  std::array<std::array<uint32_t, 256>, kInputOctets> sums_;
};

}  // namespace millrace::flow
