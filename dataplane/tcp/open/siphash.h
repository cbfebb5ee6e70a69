// SipHash-2-4, the keyed hash of initial sequence numbers, timestamp offsets and cookies.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace millrace::tcp {

using SipKey = std::array<uint8_t, 16>;

uint64_t siphash(std::span<const uint8_t> input, const SipKey& key);

}  // namespace millrace::tcp
