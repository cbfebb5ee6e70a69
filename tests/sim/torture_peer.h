// One application of the torture test: it writes a stream known in advance, compares what it reads with the
// stream that the other end writes, and ends as its plan says. Neighbours: torture_plan.h, torture_run.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/connection.h"
#include "app/handler.h"
#include "base/entropy.h"
#include "sim/world.h"
#include "torture_plan.h"

namespace millrace::sim::torture {

class Peer final : public app::Handler {
 public:
  Peer(World& world, HostId host, const Behaviour& behaviour, uint64_t stream_seed);
  void meet(Peer& other) { other_ = &other; }

  // A connect() that failed has no connection.
  void opened(app::Connection* connection) { connection_ = connection; }
  // Ends whatever is left, after the run's patience has ended.
  void give_up();

  bool established() const { return established_; }
  std::optional<app::CloseReason> end() const { return end_; }
  bool alive() const { return connection_ != nullptr; }
  bool got_everything() const { return received_ == other_->behaviour_.octets; }
  bool got_the_end() const { return peer_finished_; }
  const std::string& failure() const { return failure_; }
  std::string status() const;

  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
  void on_closed(app::Connection& connection, app::CloseReason reason) override;

 private:
  void later(Micros delay, void (Peer::*what)());
  void write();
  uint32_t write_once(uint32_t count);
  void written();
  void finish();
  void read_slowly();
  void read_rest();
  void take(uint32_t most);
  void abort_now();
  void choose_next();
  void fail(std::string what);

  World& world_;
  HostId host_;
  Behaviour behaviour_;
  std::vector<uint8_t> stream_;  // what this end writes
  SeededEntropy dice_;
  Peer* other_ = nullptr;
  app::Connection* connection_ = nullptr;
  uint32_t sent_ = 0;
  uint32_t received_ = 0;
  bool established_ = false;
  bool finished_ = false;  // has asked for its FIN
  bool peer_finished_ = false;
  bool write_pending_ = false;
  bool read_pending_ = false;
  std::optional<app::CloseReason> end_;
  std::string failure_;
};

}  // namespace millrace::sim::torture
