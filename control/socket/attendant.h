// What else the control thread serves beside its own socket: one descriptor to wait on, and a step that never
// waits. Neighbours: server.h (the thread), control/metrics/metrics_server.h (one that is served).
#pragma once

#include <optional>

#include "control/socket/session.h"

namespace millrace::control {

class Attendant {
 public:
  Attendant() = default;
  Attendant(const Attendant&) = delete;
  Attendant& operator=(const Attendant&) = delete;
  virtual ~Attendant() = default;

  // Readable when there is something to do; stays the same.
  virtual int fd() const = 0;
  virtual void step(Moment now) = 0;
  // When step() has something to do though fd() is silent; nothing: never.
  virtual std::optional<Moment> wake_at() const = 0;
};

}  // namespace millrace::control
