// The rpc service: answers requests of any size by responses of any size, after as much work as was asked
// for (rpc_format.h). Made for measuring: load/ asks it. What a request may cost is bounded, and so is what
// one iteration of the lcore does for all of them together.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "app/program.h"
#include "base/slab.h"
#include "services/rpc_format.h"
#include "services/service.h"

namespace millrace::services {

class Rpc final : public Service, public app::Program {
 public:
  Rpc();
  ~Rpc() override;

  app::Program* program() override { return this; }
  // Goes on with those whose work was more than an iteration's.
  void run(app::Stack& stack, Instant now) override;
  Instant next_call() const override { return waiting_.empty() ? kNever : now_ + 1us; }

  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
  void on_closed(app::Connection& connection, app::CloseReason reason) override;

 private:
  static constexpr uint32_t kRoundsAnIteration = 2 * kRpcWorkRounds;
  static constexpr uint32_t kPieceBytes = 8192;  // of a response, composed and sent at once

  // A client between two calls.
  struct Session {
    std::array<uint8_t, kRpcHeaderBytes> head{};  // of the request, then of the response
    uint32_t head_bytes = 0;                      // of the request, received
    uint32_t request_left = 0;                    // octets of filler still to come
    uint32_t response_left = 0;                   // octets still to be sent, header included
    uint32_t response_bytes = 0;
    bool answering = false;
    bool waiting = false;  // for work: in waiting_
    bool peer_finished = false;
  };

  Session& session_of(const app::Connection& connection);
  void advance(app::Connection& connection);
  // Each: false when it cannot go on now.
  bool read_request(app::Connection& connection, Session& session);
  bool accept(app::Connection& connection, Session& session);
  bool answer(app::Connection& connection, Session& session);

  Slab<Session> sessions_;
  std::deque<app::Connection*> waiting_;
  Instant now_{};
  uint32_t rounds_left_ = kRoundsAnIteration;
  std::array<uint8_t, kPieceBytes> piece_;  // room for a header, and filler
};

}  // namespace millrace::services
