#include "services/load/exchange.h"

#include <algorithm>

#include "services/load/echo_exchange.h"
#include "services/load/http_exchange.h"
#include "services/load/rpc_exchange.h"

namespace millrace::services::load {

namespace {

constexpr uint32_t kBatchBytes = 16384;
constexpr uint32_t kBatchRequests = 64;

}  // namespace

void Exchange::set_request_bytes(uint32_t octets) {
  request_bytes_ = octets;
  batch_ = std::clamp<uint32_t>(kBatchBytes / octets, 1, kBatchRequests);
}

std::unique_ptr<Exchange> make_exchange(const Params& params) {
  switch (params.protocol) {
    case Protocol::Http:
      return std::make_unique<HttpLoadExchange>(params);
    case Protocol::Rpc:
      return std::make_unique<RpcExchange>(params);
    case Protocol::Echo:
      return std::make_unique<EchoExchange>(params);
    default:
      return nullptr;
  }
}

}  // namespace millrace::services::load
