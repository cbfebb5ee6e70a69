#include "tcp/open/fast_open_cache.h"

#include <algorithm>
#include <utility>

namespace millrace::tcp {

FastOpenCache::FastOpenCache(uint32_t entries, Entropy& entropy)
    : hash_(entropy), entries_(entries / kSet * kSet) {}

flow::FlowKey FastOpenCache::cookie_key(const flow::FlowKey& key) {
  flow::FlowKey name;
  name.remote = key.remote;
  name.local = key.local;
  return name;
}

flow::FlowKey FastOpenCache::refusal_key(const flow::FlowKey& key) {
  flow::FlowKey name = cookie_key(key);
  name.remote_port = key.remote_port;
  return name;
}

const FastOpenCache::Entry* FastOpenCache::look_up(const flow::FlowKey& name) const {
  if (entries_.empty()) return nullptr;
  const Entry* set = &entries_[hash_(name) % (entries_.size() / kSet) * kSet];
  const Entry* found =
      std::find_if(set, set + kSet, [&](const Entry& entry) { return entry.live && entry.key == name; });
  return found == set + kSet ? nullptr : found;
}

FastOpenCache::Entry* FastOpenCache::look_up(const flow::FlowKey& name) {
  auto* found = const_cast<Entry*>(std::as_const(*this).look_up(name));
  if (found != nullptr) found->used_at = ++uses_;
  return found;
}

// The entry of that name: the one there is, a free one, or that which was not used for longest.
FastOpenCache::Entry& FastOpenCache::take(const flow::FlowKey& name) {
  if (Entry* found = look_up(name)) return *found;
  Entry* set = &entries_[hash_(name) % (entries_.size() / kSet) * kSet];
  const auto age = [this](const Entry& entry) { return entry.live ? uses_ - entry.used_at : UINT32_MAX; };
  Entry& entry =
      *std::max_element(set, set + kSet, [&](const Entry& a, const Entry& b) { return age(a) < age(b); });
  if (!entry.live) ++used_;
  entry = Entry{};
  entry.key = name;
  entry.live = true;
  entry.used_at = ++uses_;
  return entry;
}

FastOpenCache::Known FastOpenCache::find(const flow::FlowKey& key, Instant now) {
  Known known;
  const Entry* refusal = look_up(refusal_key(key));
  known.refused = entries_.empty() || (refusal != nullptr && now < refusal->refused_until);
  if (const Entry* entry = look_up(cookie_key(key))) {
    known.cookie = &entry->cookie;
    known.mss = entry->mss;
  }
  return known;
}

uint16_t FastOpenCache::mss_with_cookie(const flow::FlowKey& key, Instant now) const {
  const Entry* refusal = look_up(refusal_key(key));
  if (refusal != nullptr && now < refusal->refused_until) return 0;
  const Entry* known = look_up(cookie_key(key));
  return known == nullptr ? 0 : known->mss.octets();
}

void FastOpenCache::store(const flow::FlowKey& key, const wire::FastOpenCookie& cookie, Mss mss) {
  if (entries_.empty()) return;
  Entry& entry = take(cookie_key(key));
  entry.cookie = cookie;
  entry.mss = mss;
}

void FastOpenCache::renew_mss(const flow::FlowKey& key, Mss mss) {
  if (Entry* entry = look_up(cookie_key(key))) entry->mss = mss;
}

void FastOpenCache::refuse(const flow::FlowKey& key, Instant now) {
  if (entries_.empty()) return;
  Entry& entry = take(refusal_key(key));
  if (now < entry.refused_until) return;  // one more of those that were under way
  const Micros wait = kFirstWait * (1 << std::min<int>(entry.refusals, 16));
  entry.refused_until = now + std::min(wait, kLongestWait);
  entry.refusals = static_cast<uint8_t>(std::min(entry.refusals + 1, 16));
}

void FastOpenCache::forgive(const flow::FlowKey& key) {
  Entry* entry = look_up(refusal_key(key));
  if (entry == nullptr) return;
  entry->live = false;
  --used_;
}

}  // namespace millrace::tcp
