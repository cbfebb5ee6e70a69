// A load generator: a program that opens connections to a server and keeps it busy, as Params say. One an
// lcore. generator.cpp holds the life of connections, requests.cpp what is asked and answered over them,
// stream.cpp octets without end.
//
// A slot is a connection's place: while its connection lives it is the connection's context, and when that
// has ended the slot opens another.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "app/handler.h"
#include "app/program.h"
#include "services/load/exchange.h"
#include "services/load/pacer.h"
#include "services/load/params.h"
#include "services/load/stats.h"

namespace millrace::services::load {

class Generator final : public app::Handler, public app::Program {
 public:
  explicit Generator(const Params& params);
  ~Generator() override;

  // Nothing is opened or sent from now on. On the generator's lcore, like all below but stats().
  void stop() { stopped_ = true; }
  void run(app::Stack& stack, Instant now) override;
  Instant next_call() const override;

  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
  void on_closed(app::Connection& connection, app::CloseReason reason) override;

  const Stats& stats() const { return stats_; }

 private:
  enum class Stage : uint8_t {
    Idle,
    Opening,
    Open,
    Closing,  // it has done what it was for
    Failed    // its error is counted
  };
  struct Slot {
    app::Connection* connection = nullptr;
    uint32_t opened_us = 0;    // low 32 bits of instants: the SYN's
    uint32_t intended_us = 0;  // and when it should have been sent
    uint32_t unsent = 0;       // requests still to be handed to the stack
    uint32_t sent = 0;         // requests handed to it
    uint32_t sent_octets = 0;  // of the request that did not fit
    uint16_t under_way = 0;    // requests without an answer, the unsent among them
    uint16_t oldest = 0;       // of them, in the slot's ring of instants
    Stage stage = Stage::Idle;
    bool listed = false;              // in free_
    uint64_t handed_bytes = 0;        // of a stream
    uint64_t acknowledged_bytes = 0;  // of them
  };
  // Slot numbers in the order of their coming, each at most once.
  class Queue {
   public:
    explicit Queue(uint32_t slots) : ring_(slots) {}
    bool empty() const { return size_ == 0; }
    void push(uint32_t slot);
    uint32_t pop();

   private:
    std::vector<uint32_t> ring_;
    uint32_t front_ = 0;
    uint32_t size_ = 0;
  };

  static constexpr uint32_t kActsAnIteration = 64;
  static constexpr uint32_t kOpeningAtOnce = 256;  // of connections that are kept
  static constexpr Micros kRetry = 50ms;           // after a failure of its connection a slot rests
  static constexpr Micros kPatience = 1s;          // a slow start lasts so long at most

  // ---- generator.cpp
  Slot& slot_of(const app::Connection& connection);
  uint32_t number_of(const Slot& slot) const { return static_cast<uint32_t>(&slot - slots_.data()); }
  uint32_t now_us() const { return low_us(now_); }
  static uint32_t low_us(Instant at) { return static_cast<uint32_t>(at.time_since_epoch().count()); }
  void wake_rested();
  void open_more();
  uint32_t most_opening() const { return params_.is_one_shot() ? params_.connections : kOpeningAtOnce; }
  bool has_place_to_open() const { return !idle_.empty() && opening_ < opening_limit_; }
  bool may_open() const;
  void open(Slot& slot, Instant intended);
  app::ConnectOptions next_ends();
  void rest(Slot& slot);
  enum class Ender : uint8_t { Server, Us };
  void finish(Slot& slot, Ender ender);  // the connection has done what it was for
  void fail(Slot& slot, LoadError error);

  // ---- requests.cpp
  void begin_requests(Slot& slot);
  void read_responses(Slot& slot);
  void take_responses(Slot& slot, const Progress& progress);
  void ask(Slot& slot, uint32_t count, Instant intended);
  void ask_due(Slot& slot);
  void send_unsent(Slot& slot);
  void start_pacing();
  void pace_requests();
  void offer(Slot& slot);
  uint32_t& instant_of(const Slot& slot, uint32_t index);

  // ---- stream.cpp
  void stream(Slot& slot);
  void swallow(Slot& slot);

  const Params params_;
  Stats stats_;
  std::unique_ptr<Exchange> exchange_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> instants_;  // a ring of intended instants a slot, for requests under way
  uint32_t ring_mask_;
  std::vector<IpAddress> sources_v4_;
  std::vector<IpAddress> sources_v6_;
  std::optional<Pacer> opens_;  // none: as fast as it goes
  std::optional<Pacer> asks_;   // likewise
  Queue idle_;                  // slots that may open
  Queue free_;                  // open slots that take another request
  struct Resting {
    uint32_t slot;
    Instant until;
  };
  std::deque<Resting> resting_;

  app::Stack* stack_ = nullptr;
  Instant now_{};
  Instant began_ = kNever;
  uint64_t turn_ = 0;  // counts opens: whose turn it is of targets and sources
  uint32_t opening_ = 0;
  uint32_t opening_limit_ = 1;  // grows with every handshake: the first one finds the neighbour
  uint32_t open_ = 0;
  uint64_t under_way_ = 0;
  bool stopped_ = false;
};

}  // namespace millrace::services::load
