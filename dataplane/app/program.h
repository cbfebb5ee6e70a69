// An application that acts by itself and not only when it is told: it opens connections, or sends at instants
// of its own. Neighbours: handler.h (what it is told of its connections), stack.h (what it may ask for).
#pragma once

#include "app/stack.h"
#include "base/time.h"

namespace millrace::app {

class Program {
 public:
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  virtual ~Program() = default;

  // Called once an iteration, before connections are told what has happened to them. Must not block: what
  // takes long is done in portions.
  virtual void run(Stack& stack, Instant now) = 0;
  // When run() needs to be called though nothing happens, after the last call; kNever: what its connections
  // are told is enough. A loop that polls need not ask.
  virtual Instant next_call() const = 0;
};

}  // namespace millrace::app
