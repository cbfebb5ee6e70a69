#include "services/load/echo_exchange.h"

#include <cstring>

namespace millrace::services::load {

EchoExchange::EchoExchange(const Params& params) : left_(params.connections) {
  set_request_bytes(params.request_bytes);
  octets_.resize(size_t{request_bytes()} * batch());
  for (size_t i = 0; i < octets_.size(); ++i)
    octets_[i] = static_cast<uint8_t>(' ' + i % request_bytes() % 95);
}

std::span<const uint8_t> EchoExchange::requests(uint32_t, uint32_t, uint32_t count) {
  return std::span(octets_).first(size_t{count} * request_bytes());
}

Progress EchoExchange::read(uint32_t slot, std::span<const uint8_t> run) {
  Progress progress;
  uint32_t& left = left_[slot];
  while (run.size() >= left) {
    // Compared where it is cheapest: the octets that stand in one place.
    progress.malformed |= std::memcmp(run.data(), octets_.data() + request_bytes() - left, left) != 0;
    run = run.subspan(left);
    left = request_bytes();
    ++progress.responses;
  }
  progress.malformed |=
      !run.empty() && std::memcmp(run.data(), octets_.data() + request_bytes() - left, run.size()) != 0;
  left -= static_cast<uint32_t>(run.size());
  return progress;
}

}  // namespace millrace::services::load
