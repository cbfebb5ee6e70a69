// Echo (RFC 862): a response is as many octets as the request.
#pragma once

#include <vector>

#include "services/load/exchange.h"

namespace millrace::services::load {

class EchoExchange final : public Exchange {
 public:
  explicit EchoExchange(const Params& params);

  void begin(uint32_t slot) override { left_[slot] = request_bytes(); }
  std::span<const uint8_t> requests(uint32_t slot, uint32_t first, uint32_t count) override;
  Progress read(uint32_t slot, std::span<const uint8_t> run) override;

 private:
  std::vector<uint8_t> octets_;  // a batch of requests, one after the other
  std::vector<uint32_t> left_;   // a slot: octets of the response under way still to come
};

}  // namespace millrace::services::load
