// The stage of `millrace demo`: a client and a server, each a whole shard, the link between them, and the
// recorder that writes the ladder. Scenarios (scenarios.cpp) tell the two actors what to do and then
// check what came of it.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/connection.h"
#include "app/handler.h"
#include "sim/recorder.h"
#include "sim/world.h"

namespace millrace::control {

// An application that remembers what it was told and reacts as the scenario says.
class Actor final : public app::Handler {
 public:
  std::function<void(app::Connection&)> when_peer_finished;
  std::function<void(app::Connection&)> when_readable;  // after it has been read

  app::Connection* connection() { return connection_; }  // nullptr before and after
  bool established() const { return established_; }
  const std::string& received() const { return received_; }
  std::optional<app::CloseReason> end() const { return end_; }

  void opened(app::Connection* connection) {
    connection_ = connection;
    established_ = false;
    end_.reset();
  }
  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
  void on_closed(app::Connection& connection, app::CloseReason reason) override;

 private:
  app::Connection* connection_ = nullptr;
  bool established_ = false;
  std::string received_;
  std::optional<app::CloseReason> end_;
};

struct StageOptions {
  uint64_t seed = 1;
  Family family = Family::V4;
  bool neighbors =
      false;  // leave the resolution of addresses to the scenario's first segment, where it shows
};

// One thing that a scenario claims, and whether it was so.
struct Claim {
  std::string sentence;
  bool holds;
};

class Stage {
 public:
  using Side = sim::Side;
  using Deed = std::function<void(app::Connection&)>;

  explicit Stage(const StageOptions& options);

  sim::World& world() { return world_; }
  sim::Recorder& recorder() { return recorder_; }
  const sim::Ladder& ladder() const { return recorder_.ladder(); }
  sim::Link& link_from(Side side);
  Actor& actor(Side side) { return side == Side::Left ? client_ : server_; }
  Actor& client() { return client_; }
  Actor& server() { return server_; }

  // The server's application listens, if it is to; then the client's connects.
  void server_listens(uint32_t backlog = ListenerParams{}.backlog);
  // So many SYNs reach the server, each from another source that does not exist; none is shown.
  void flood_server(uint32_t syns);
  shard::Shard& server_shard() { return world_.shard(server_host_); }
  void client_connects();
  // connect() with Fast Open and this request, from the same port each time: one ladder shows all of them.
  void client_connects_fast(std::string_view request);
  // From the same port as before.
  void client_connects_again();
  // Both connect to each other at one instant, without anybody listening.
  void both_connect();
  // The usual beginning: both are ESTABLISHED.
  void establish();
  // In `delay`, `side` does `deed` to its connection; `words` stand in the ladder.
  void later(Side side, Micros delay, std::string words, Deed deed);

  // A segment that neither side has sent reaches `side` as if the other one had.
  void forge(Side side, std::string words, wire::Segment segment);

  bool run_until(const sim::World::Predicate& done) { return world_.run_until(done, 600s); }
  // Until the client has left TIME-WAIT (or whatever it was in) and nothing of either connection is left.
  void run_to_the_end();
  bool in_state(Side side, tcp::State state) const { return recorder_.state(side) == state; }
  bool both_in(tcp::State state) const { return in_state(Side::Left, state) && in_state(Side::Right, state); }

  void claim(std::string sentence, bool holds) { claims_.push_back({std::move(sentence), holds}); }
  // Claims that `side` walked through exactly these states.
  void claim_path(Side side, std::initializer_list<tcp::State> path);
  const std::vector<Claim>& claims() const { return claims_; }

  // Segments from `side` with every one of `flags`, those that the link made into copies not counted.
  std::vector<sim::LadderRow> segments(Side side, wire::Flags flags) const;

 private:
  static constexpr uint16_t kServerPort = 80;
  void resolve_neighbors();
  void connect(Side side, app::ConnectOptions options);
  Endpoint client_end() const {
    return endpoint(Side::Left, static_cast<uint16_t>(49152 + options_.seed % 16384));
  }
  Endpoint endpoint(Side side, uint16_t port) const;

  StageOptions options_;
  Actor client_;
  Actor server_;
  sim::World world_;
  sim::HostId client_host_;
  sim::HostId server_host_;
  sim::Recorder recorder_;
  std::vector<Claim> claims_;
};

}  // namespace millrace::control
