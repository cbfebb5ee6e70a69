// Finding the listener for an endpoint: exact, then wildcard. Neighbour: listeners.h.
#include "flow/listeners.h"

#include <cstring>

namespace millrace::flow {

namespace {

IpAddress wildcard(Family family) { return family == Family::V4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress(); }

}  // namespace

size_t Listeners::Hash::operator()(const Endpoint& endpoint) const {
  uint64_t words[2];
  std::memcpy(words, endpoint.address.octets().data(), sizeof words);
  uint64_t mix = (words[0] ^ words[1] ^ endpoint.port) * 0x9e37'79b9'7f4a'7c15ULL;
  return static_cast<size_t>(mix ^ (mix >> 32));
}

ListenResult Listeners::add(const Endpoint& local, uint32_t listener) {
  if (local.port == 0) return ListenResult::PortZero;
  if (listeners_.contains(local)) return ListenResult::AddressInUse;
  if (listeners_.size() >= bound_) return ListenResult::Full;
  listeners_.emplace(local, listener);
  return ListenResult::Added;
}

std::optional<uint32_t> Listeners::remove(const Endpoint& local) {
  const auto found = listeners_.find(local);
  if (found == listeners_.end()) return std::nullopt;
  const uint32_t listener = found->second;
  listeners_.erase(found);
  return listener;
}

uint32_t Listeners::find(const Endpoint& local) const {
  auto found = listeners_.find(local);
  if (found == listeners_.end()) found = listeners_.find({wildcard(local.address.family()), local.port});
  return found == listeners_.end() ? kNoIndex : found->second;
}

}  // namespace millrace::flow
