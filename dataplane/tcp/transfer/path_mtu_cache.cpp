#include "tcp/transfer/path_mtu_cache.h"

#include <algorithm>

namespace millrace::tcp {

PathMtuCache::Entry* PathMtuCache::set_of(const IpAddress& destination) {
  if (entries_.empty()) return nullptr;
  flow::FlowKey name;
  name.remote = destination;
  return &entries_[hash_(name) % (entries_.size() / kSet) * kSet];
}

PathMtuCache::Entry* PathMtuCache::look_up(const IpAddress& destination) {
  Entry* set = used_ == 0 ? nullptr : set_of(destination);
  if (set == nullptr) return nullptr;
  Entry* found = std::find_if(set, set + kSet, [&](const Entry& entry) {
    return entry.mtu != 0 && entry.destination == destination;
  });
  return found == set + kSet ? nullptr : found;
}

uint16_t PathMtuCache::find(const IpAddress& destination, Instant now, Micros lifetime) {
  Entry* entry = look_up(destination);
  if (entry == nullptr) return 0;
  if (now - entry->learnt_at < lifetime) return entry->mtu;
  forget(destination);
  return 0;
}

void PathMtuCache::store(const IpAddress& destination, uint16_t mtu, Instant now) {
  Entry* entry = look_up(destination);
  if (entry == nullptr) {
    Entry* set = set_of(destination);
    if (set == nullptr) return;
    const auto older = [](const Entry& a, const Entry& b) {
      return a.mtu == 0 || (b.mtu != 0 && a.learnt_at < b.learnt_at);
    };
    entry = &*std::min_element(set, set + kSet, older);
    if (entry->mtu == 0) ++used_;
  }
  *entry = {.destination = destination, .mtu = mtu, .learnt_at = now};
}

void PathMtuCache::forget(const IpAddress& destination) {
  Entry* entry = look_up(destination);
  if (entry == nullptr) return;
  entry->mtu = 0;
  --used_;
}

}  // namespace millrace::tcp
