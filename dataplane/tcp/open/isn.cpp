#include "tcp/open/isn.h"

#include <sodium/crypto_shorthash.h>

#include <cstring>

namespace millrace::tcp {

namespace {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);

template <size_t N>
uint32_t siphash(const std::array<uint8_t, N>& input, const std::array<uint8_t, 16>& key) {
  std::array<uint8_t, 8> digest{};
  crypto_shorthash(digest.data(), input.data(), N, key.data());
  uint32_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

}  // namespace

Seq IsnGenerator::isn(const wire::FlowAddress& flow, Instant now) const {
  std::array<uint8_t, 36> input{};
  std::memcpy(input.data(), flow.local.address.octets().data(), 16);
  std::memcpy(input.data() + 16, flow.remote.address.octets().data(), 16);
  std::memcpy(input.data() + 32, &flow.local.port, 2);
  std::memcpy(input.data() + 34, &flow.remote.port, 2);
  const auto clock = static_cast<uint32_t>(now.time_since_epoch().count() / 4);
  return Seq(clock + siphash(input, key_));
}

uint32_t IsnGenerator::timestamp_offset(const IpAddress& local, const IpAddress& remote) const {
  std::array<uint8_t, 33> input{};
  std::memcpy(input.data(), local.octets().data(), 16);
  std::memcpy(input.data() + 16, remote.octets().data(), 16);
  input[32] = 1;  // apart from what isn() hashes
  return siphash(input, key_);
}

}  // namespace millrace::tcp
