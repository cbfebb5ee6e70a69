// One request under way: it never waits, so that one slow lcore cannot hold the control thread. Neighbours:
// handlers.h (makes jobs), session.h (polls them and gives up after a time).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <variant>

#include "control/socket/protocol.h"
#include "control/socket/view.h"

namespace millrace::control {

struct Result {
  json value;
};
using Outcome = std::variant<Result, Error>;

class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  // Goes on as far as it can. Nothing: an lcore has been asked and has not answered yet.
  virtual std::optional<Outcome> poll(EndpointView& view) = 0;
  // How long it may take, where that is not what the session's limits say.
  virtual std::optional<std::chrono::milliseconds> patience() const { return std::nullopt; }
};

}  // namespace millrace::control
