// Listening endpoints: which listener a SYN that matches no connection is for. Neighbours: table.h, which is
// asked before; tcp/open/, which accepts on what is found here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/address.h"
#include "base/slab.h"

namespace millrace::flow {

enum class ListenResult : uint8_t {
  Added,
  AddressInUse,  // somebody listens on exactly this endpoint (EADDRINUSE)
  PortZero,      // port 0 names no service
  Full,          // the bound is reached
};

class Listeners {
 public:
  explicit Listeners(uint32_t bound) : bound_(bound) {}

  // An unspecified address stands for every local address of its family; :: does not take IPv4 connections.
  // Listening on an address and on its family's wildcard at the same port is not a conflict: the address
  // wins.
  ListenResult add(const Endpoint& local, uint32_t listener);
  // The listener that was there.
  std::optional<uint32_t> remove(const Endpoint& local);

  // The listener for a connection to `local`, one of our addresses; kNoIndex: nobody listens.
  uint32_t find(const Endpoint& local) const;

  size_t size() const { return listeners_.size(); }

  // visit(const Endpoint&, uint32_t listener), in no particular order.
  template <typename F>
  void for_each(F&& visit) const {
    for (const auto& [local, listener] : listeners_) visit(local, listener);
  }

 private:
  // Keyless: only our own configuration enters keys here, so a peer cannot lengthen a chain.
  struct Hash {
    size_t operator()(const Endpoint& endpoint) const;
  };

  uint32_t bound_;
  std::unordered_map<Endpoint, uint32_t, Hash> listeners_;
};

}  // namespace millrace::flow
