// Where a destination's sequence of ports begins. Neighbour: ports.h.
#include "flow/ports.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/check.h"

namespace millrace::flow {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);

namespace {

uint32_t stride_of(uint32_t count) {
  auto stride = static_cast<uint32_t>(uint64_t{count} * 618 / 1000);
  while (stride > 1 && std::gcd(stride, count) != 1) --stride;
  return std::max<uint32_t>(stride, 1);
}

}  // namespace

Ports::Ports(PortRange range, Entropy& entropy)
    : range_(range), stride_(stride_of(range.count())), key_(entropy.key()) {
  MILLRACE_CHECK(range.first != 0 && range.first <= range.last);
  // RFC 6056 §3.3.4: the counters begin anywhere.
  for (uint32_t& counter : counters_) counter = static_cast<uint32_t>(entropy.next() >> 32) % range.count();
}

Ports::Sequence Ports::sequence(const IpAddress& local, const Endpoint& remote) {
  std::array<uint8_t, 34> input;
  std::memcpy(input.data(), local.octets().data(), 16);
  std::memcpy(input.data() + 16, remote.address.octets().data(), 16);
  std::memcpy(input.data() + 32, &remote.port, 2);
  uint64_t hash = 0;
  crypto_shorthash(reinterpret_cast<uint8_t*>(&hash), input.data(), input.size(), key_.data());
  // RFC 6056 §3.3.4 has F and G under keys of their own; two halves of one SipHash are as independent.
  return {static_cast<uint32_t>(hash >> 32) % range_.count(), &counters_[hash % kCounters]};
}

}  // namespace millrace::flow
