#include "flow/toeplitz.h"

#include <bit>

namespace millrace::flow {

namespace {

// The 32 bits of the key that begin `bit` bits behind octet `at`.
uint32_t window(const Toeplitz::Key& key, size_t at, unsigned bit) {
  uint64_t octets = 0;
  for (size_t i = 0; i < 5; ++i) octets = octets << 8 | (at + i < key.size() ? key[at + i] : 0);
  return static_cast<uint32_t>(octets >> (8 - bit));
}

}  // namespace

Toeplitz::Toeplitz(const Key& key) {
  for (size_t at = 0; at < kInputOctets; ++at) {
    sums_[at][0] = 0;
    for (unsigned octet = 1; octet < 256; ++octet) {
      const auto highest = static_cast<unsigned>(std::bit_width(octet)) - 1;
      sums_[at][octet] = sums_[at][octet ^ (1U << highest)] ^ window(key, at, 7 - highest);
    }
  }
}

uint32_t Toeplitz::without_local_port(const Endpoint& remote, const IpAddress& local) const {
  const bool v4 = local.is_v4();
  const size_t octets = v4 ? 4 : 16;
  const uint8_t* source = v4 ? remote.address.v4_wire() : remote.address.v6_wire();
  const uint8_t* destination = v4 ? local.v4_wire() : local.v6_wire();
  uint32_t hash = 0;
  for (size_t i = 0; i < octets; ++i) hash ^= sums_[i][source[i]] ^ sums_[octets + i][destination[i]];
  return hash ^ sums_[2 * octets][remote.port >> 8] ^ sums_[2 * octets + 1][remote.port & 0xff];
}

}  // namespace millrace::flow
