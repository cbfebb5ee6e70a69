#include "tcp/open/isn.h"

#include <cstring>

#include "tcp/open/siphash.h"

namespace millrace::tcp {

Seq IsnGenerator::isn(const wire::FlowAddress& flow, Instant now) const {
  std::array<uint8_t, 36> input{};
  std::memcpy(input.data(), flow.local.address.octets().data(), 16);
  std::memcpy(input.data() + 16, flow.remote.address.octets().data(), 16);
  std::memcpy(input.data() + 32, &flow.local.port, 2);
  std::memcpy(input.data() + 34, &flow.remote.port, 2);
  const auto clock = static_cast<uint32_t>(now.time_since_epoch().count() / 4);
  return Seq(clock + static_cast<uint32_t>(siphash(input, key_)));
}

uint32_t IsnGenerator::timestamp_offset(const IpAddress& local, const IpAddress& remote) const {
  std::array<uint8_t, 33> input{};
  std::memcpy(input.data(), local.octets().data(), 16);
  std::memcpy(input.data() + 16, remote.octets().data(), 16);
  input[32] = 1;  // apart from what isn() hashes
  if (shared_key_) return static_cast<uint32_t>(siphash(input, *shared_key_)) + wall_ahead_;
  return static_cast<uint32_t>(siphash(input, key_));
}

}  // namespace millrace::tcp
