// Which local endpoints sockets are bound to, so that two do not share one unless both said SO_REUSEADDR or
// SO_REUSEPORT. Neighbours: connecting.cpp, accepting.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/address.h"

namespace millrace::socket {

class Socket;

class Ports {
 public:
  struct Sharing {
    bool address = false;  // SO_REUSEADDR
    bool port = false;     // SO_REUSEPORT
  };

  // Whether one more socket may be bound to `local`. Two that reuse an address may share it as long as
  // neither listens, two that reuse a port always (Linux's rules).
  bool free(const Endpoint& local, Sharing sharing) const {
    return std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      const bool shared = (sharing.address && entry.sharing.address && !entry.listening) ||
                          (sharing.port && entry.sharing.port);
      return overlaps(entry.local, local) && !shared;
    });
  }
  void hold(const Socket& socket, const Endpoint& local, Sharing sharing) {
    entries_.push_back({&socket, local, sharing, false});
  }
  // Whether nobody else listens there, or everybody who does shares the port.
  bool may_listen(const Socket& socket) const {
    const Entry* own = find(socket);
    return own != nullptr && std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
             return &entry != own && entry.listening && overlaps(entry.local, own->local) &&
                    !(entry.sharing.port && own->sharing.port);
           });
  }
  // It was bound with SO_REUSEPORT.
  bool shares_port(const Socket& socket) const {
    const Entry* own = find(socket);
    return own != nullptr && own->sharing.port;
  }
  void set_listening(const Socket& socket, bool listening) {
    if (Entry* entry = find(socket)) entry->listening = listening;
  }
  void release(const Socket& socket) {
    if (Entry* entry = find(socket)) {
      *entry = entries_.back();
      entries_.pop_back();
    }
  }
  // A port for bind() to port 0; none: all are taken.
  std::optional<uint16_t> choose(const IpAddress& address) {
    for (uint32_t tried = 0; tried < kLast - kFirst; ++tried) {
      const uint16_t port = next_;
      next_ = next_ == kLast ? kFirst : static_cast<uint16_t>(next_ + 1);
      if (free({address, port}, {})) return port;
    }
    return std::nullopt;
  }

 private:
  static constexpr uint16_t kFirst = 32768, kLast = 60999;
  struct Entry {
    const Socket* socket;
    Endpoint local;
    Sharing sharing;
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
  const Entry* find(const Socket& socket) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.socket == &socket; });
    return found == entries_.end() ? nullptr : &*found;
  }
  Entry* find(const Socket& socket) { return const_cast<Entry*>(std::as_const(*this).find(socket)); }

  std::vector<Entry> entries_;  // a few hundred at most: sockets that were bound by hand
  uint16_t next_ = kFirst;
};

}  // namespace millrace::socket
