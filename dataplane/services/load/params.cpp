#include "services/load/params.h"

#include <algorithm>

namespace millrace::services::load {

namespace {

template <typename T>
T portion(T all, uint32_t number, uint32_t count) {
  return all / count + (number < all % count ? 1 : 0);
}

}  // namespace

Params share_of(const Params& all, uint32_t number, uint32_t count) {
  Params share = all;
  uint64_t busy = std::min<uint64_t>(count, all.connections);
  if (all.rate != 0) busy = std::min(busy, all.rate);
  const auto sharers = static_cast<uint32_t>(busy);
  share.connections = number < sharers ? portion(all.connections, number, sharers) : 0;
  if (all.rate != 0 && number < sharers) share.rate = portion(all.rate, number, sharers);
  return share;
}

}  // namespace millrace::services::load
