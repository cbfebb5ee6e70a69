#include "tcp/open/siphash.h"

#include <sodium/crypto_shorthash.h>

namespace millrace::tcp {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);

uint64_t siphash(std::span<const uint8_t> input, const SipKey& key) {
  std::array<uint8_t, 8> digest;
  crypto_shorthash(digest.data(), input.data(), input.size(), key.data());
  uint64_t out = 0;
  for (size_t i = 8; i-- > 0;) out = out << 8 | digest[i];
  return out;
}

}  // namespace millrace::tcp
