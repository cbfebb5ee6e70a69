#include "services/load/rpc_exchange.h"

#include <algorithm>
#include <cstring>

namespace millrace::services::load {

RpcExchange::RpcExchange(const Params& params)
    : response_bytes_(params.response_bytes), readings_(params.connections) {
  set_request_bytes(params.request_bytes);
  octets_.resize(size_t{request_bytes()} * batch(), 'x');
  for (uint32_t i = 0; i < batch(); ++i)
    write_rpc_header(octets_.data() + size_t{i} * request_bytes(),
                     {.length = request_bytes(), .other_length = response_bytes_, .work = params.work});
}

std::span<const uint8_t> RpcExchange::requests(uint32_t, uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) write_rpc_id(octets_.data() + size_t{i} * request_bytes(), first + i);
  return std::span(octets_).first(size_t{count} * request_bytes());
}

size_t RpcExchange::read_head(Reading& reading, std::span<const uint8_t> run, Progress& progress) {
  const size_t count = std::min<size_t>(run.size(), kRpcHeaderBytes - reading.head_bytes);
  std::memcpy(reading.head.data() + reading.head_bytes, run.data(), count);
  reading.head_bytes += static_cast<uint32_t>(count);
  if (reading.head_bytes < kRpcHeaderBytes) return count;
  const RpcHeader response = read_rpc_header(reading.head.data());
  progress.malformed |= response.length != response_bytes_ || response.other_length != request_bytes() ||
                        response.id != reading.next_id;
  reading.left = response_bytes_ - kRpcHeaderBytes;
  return count;
}

Progress RpcExchange::read(uint32_t slot, std::span<const uint8_t> run) {
  Progress progress;
  Reading& reading = readings_[slot];
  while (!run.empty() && !progress.malformed) {
    if (reading.head_bytes < kRpcHeaderBytes) run = run.subspan(read_head(reading, run, progress));
    if (reading.head_bytes < kRpcHeaderBytes) break;
    const auto count = static_cast<uint32_t>(std::min<size_t>(run.size(), reading.left));
    run = run.subspan(count);
    reading.left -= count;
    if (reading.left != 0) break;
    reading.head_bytes = 0;
    ++reading.next_id;
    ++progress.responses;
  }
  return progress;
}

}  // namespace millrace::services::load
