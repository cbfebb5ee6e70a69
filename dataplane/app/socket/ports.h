// Which local endpoints sockets are bound to, so that two do not share one unless both said SO_REUSEADDR.
// Neighbour: connecting.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"

namespace millrace::socket {

class Ports {
 public:
  // Whether a socket with `reuse` may be bound to `local`. Two that reuse an address may share it as long as
  // neither listens (Linux's rule).
  bool free(const Endpoint& local, bool reuse) const {
    for (const Entry& entry : entries_)
      if (overlaps(entry.local, local) && !(reuse && entry.reuse && !entry.listening)) return false;
    return true;
  }
  void hold(const Endpoint& local, bool reuse) { entries_.push_back({local, reuse, false}); }
  // Whether nobody else listens on it.
  bool may_listen(const Endpoint& local) const {
    for (const Entry& entry : entries_)
      if (entry.listening && overlaps(entry.local, local)) return false;
    return true;
  }
  void set_listening(const Endpoint& local, bool listening) {
    if (Entry* entry = find(local)) entry->listening = listening;
  }
  void release(const Endpoint& local) {
    if (Entry* entry = find(local)) {
      *entry = entries_.back();
      entries_.pop_back();
    }
  }
  // A port for bind() to port 0; none: all are taken.
  std::optional<uint16_t> choose(const IpAddress& address) {
    for (uint32_t tried = 0; tried < kLast - kFirst; ++tried) {
      const uint16_t port = next_;
      next_ = next_ == kLast ? kFirst : static_cast<uint16_t>(next_ + 1);
      if (free({address, port}, false)) return port;
    }
    return std::nullopt;
  }

 private:
  static constexpr uint16_t kFirst = 32768, kLast = 60999;
  struct Entry {
    Endpoint local;
    bool reuse = false;
    bool listening = false;
  };
  static bool overlaps(const Endpoint& a, const Endpoint& b) {
    if (a.port != b.port) return false;
    if (a.address == b.address) return true;
    // :: stands for both families unless IPV6_V6ONLY says otherwise; then a conflict is better than a
    // surprise.
    const auto wild = [](const IpAddress& address, const IpAddress& other) {
      return address.is_unspecified() && (!address.is_v4() || other.is_v4());
    };
    return wild(a.address, b.address) || wild(b.address, a.address);
  }
  Entry* find(const Endpoint& local) {
    for (Entry& entry : entries_)
      if (entry.local == local) return &entry;
    return nullptr;
  }

  std::vector<Entry> entries_;  // a few hundred at most: sockets that were bound by hand
  uint16_t next_ = kFirst;
};

}  // namespace millrace::socket
