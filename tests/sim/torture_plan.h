// What one run of the torture test is to be, drawn from its seed alone: the link's weather, both hosts'
// parameters, and how each application behaves. Neighbours: torture_peer.h (an application), torture_run.h
// (the run).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/params.h"
#include "base/time.h"
#include "sim/link.h"
#include "sim/world.h"

namespace millrace::sim::torture {

// How the application of one end writes, reads and ends.
struct Behaviour {
  enum class Read : uint8_t { Eager, Partial, Slow };
  enum class End : uint8_t {
    Shutdown,    // FIN once everything is written; goes on reading
    AfterPeer,   // FIN once everything is written and the peer's FIN has come
    CloseEarly,  // close() once everything is written, whatever the peer still sends
    Abort,       // RST some time after the beginning
  };
  uint32_t octets = 0;       // to write
  uint32_t write_chunk = 0;  // a call
  Micros write_gap{};        // between calls; 0: as fast as there is room
  bool reserve = false;      // reserve() and commit() instead of send()
  Read read = Read::Eager;
  uint32_t read_chunk = 0;  // Slow
  Micros read_gap{};        // Slow, Partial
  End end = End::Shutdown;
  bool close_at_end = false;  // close() in place of shutdown() where both mean the same
  Micros abort_after{};
  bool no_delay = false;
  Micros choose_every{};  // another congestion control, as long as the connection lasts; 0: never

  bool is_clean() const { return end == End::Shutdown || end == End::AfterPeer; }
};

struct ConnectionPlan {
  Behaviour client;
  Behaviour server;
  Micros opens_after{};
  bool simultaneous = false;  // both connect, nobody listens
  bool is_clean() const { return client.is_clean() && server.is_clean(); }
};

struct Plan {
  uint64_t seed = 0;
  Family family = Family::V4;
  LinkParams there;
  LinkParams back;
  Micros outage_after{};
  Micros outage{};  // so long nothing passes; 0: never
  ShardParams client;
  ShardParams server;
  HostOptions client_options;
  HostOptions server_options;
  std::vector<ConnectionPlan> connections;
};

Plan draw_plan(uint64_t seed);
std::string describe(const Plan& plan);

}  // namespace millrace::sim::torture
