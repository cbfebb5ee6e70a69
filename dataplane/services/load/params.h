// What a generator is to do. config/ declares the keys that fill this, control/ does the filling, and each
// lcore has a generator with its share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace millrace::services::load {

enum class Mode : uint8_t {
  Requests,     // kept connections, each with so many requests under way
  Connections,  // open, request, response, close
  Bulk,         // octets, as many as go
  Concurrent,   // open connections and hold them
  Handshake,    // open and close
};

enum class Protocol : uint8_t { Http, Rpc, Echo, Discard, Chargen };
enum class Direction : uint8_t { Up, Down, Both };  // up: from the generator to the server
enum class Closer : uint8_t { Server, Client, Reset };

struct Params {
  Mode mode = Mode::Requests;
  Protocol protocol = Protocol::Http;
  Direction direction = Direction::Down;  // Bulk
  Closer close = Closer::Client;          // Connections, Handshake
  std::vector<Endpoint> targets;          // taken in turn
  std::vector<IpAddress> sources;         // taken in turn; none: source-address selection
  uint32_t connections = 1;               // at once
  uint32_t depth = 1;                     // requests under way a connection
  uint64_t rate = 0;                      // requests or opens a second; 0: as fast as it goes
  uint32_t request_bytes = 64;            // Rpc, Echo
  uint32_t response_bytes = 64;           // Rpc
  uint32_t work = 0;                      // Rpc: rounds
  std::string path = "/";                 // Http
  bool fast_open = false;                 // Connections: the request goes with the SYN (RFC 7413)
  Micros hold{};                          // Concurrent: within this each connection is asked once

  // Requests go out and responses come back; else octets stream.
  bool has_exchange() const {
    return mode != Mode::Handshake && protocol != Protocol::Discard && protocol != Protocol::Chargen &&
           !is_stream();
  }
  bool is_stream() const {
    return mode == Mode::Bulk && protocol != Protocol::Http && protocol != Protocol::Rpc;
  }
  // A connection is there for one request, or for none.
  bool is_one_shot() const { return mode == Mode::Connections || mode == Mode::Handshake; }
  bool is_rate_of_opens() const { return is_one_shot() || mode == Mode::Concurrent; }
};

// What the generator `number` of `count` does of it: connections and rate are divided, the first ones have
// what is left over; where there is not one of each for everybody the last ones have nothing to do.
Params share_of(const Params& all, uint32_t number, uint32_t count);

}  // namespace millrace::services::load
