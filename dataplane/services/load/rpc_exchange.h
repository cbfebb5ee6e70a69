// The rpc service of rpc.h: sizes and work as asked for, and every response is the one to its request.
#pragma once

#include <array>
#include <vector>

#include "services/load/exchange.h"
#include "services/rpc_format.h"

namespace millrace::services::load {

class RpcExchange final : public Exchange {
 public:
  explicit RpcExchange(const Params& params);

  void begin(uint32_t slot) override { readings_[slot] = {}; }
  std::span<const uint8_t> requests(uint32_t slot, uint32_t first, uint32_t count) override;
  Progress read(uint32_t slot, std::span<const uint8_t> run) override;

 private:
  struct Reading {
    uint32_t next_id = 0;
    uint32_t left = 0;  // filler still to come
    uint32_t head_bytes = 0;
    std::array<uint8_t, kRpcHeaderBytes> head{};
  };
  // A header's octets at the front of `run`: how many were taken. The header may come in pieces.
  size_t read_head(Reading& reading, std::span<const uint8_t> run, Progress& progress);

  uint32_t response_bytes_;
  std::vector<uint8_t> octets_;  // a batch of requests, one after the other
  std::vector<Reading> readings_;
};

}  // namespace millrace::services::load
