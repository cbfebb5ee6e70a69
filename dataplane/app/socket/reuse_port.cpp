#include "app/socket/reuse_port.h"

#include <algorithm>
#include <limits>

namespace millrace::socket {

namespace {

// FNV-1a: it spreads; a peer that aims at one member gets one member's backlog.
uint32_t hash_of(const Endpoint& remote) {
  uint32_t hash = 2'166'136'261U;
  const auto mix = [&](uint8_t octet) { hash = (hash ^ octet) * 16'777'619U; };
  for (const uint8_t octet : remote.address.octets()) mix(octet);
  mix(static_cast<uint8_t>(remote.port >> 8));
  mix(static_cast<uint8_t>(remote.port));
  return hash;
}

}  // namespace

uint32_t ReusePort::accept_room(const Endpoint& local) const {
  uint64_t room = 0;
  for (const app::Handler* member : members_) room += member->accept_room(local);
  return static_cast<uint32_t>(std::min<uint64_t>(room, std::numeric_limits<uint32_t>::max()));
}

// Where the one that is chosen has no room, the next that has.
void ReusePort::on_established(app::Connection& connection) {
  const size_t first = members_.empty() ? 0 : hash_of(connection.remote()) % members_.size();
  for (size_t i = 0; i < members_.size(); ++i) {
    app::Handler& member = *members_[(first + i) % members_.size()];
    if (member.accept_room(connection.local()) != 0) return member.on_established(connection);
  }
  connection.abort();
}

}  // namespace millrace::socket
