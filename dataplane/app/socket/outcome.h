// What a socket call answers, and how a caller waits: no call of this room sleeps. A call that cannot finish
// says what until; the caller makes it again, with the same Call, when something has changed or the time has
// come.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace millrace::socket {

struct Outcome {
  int64_t value = 0;       // with error == 0 and not blocked
  int error = 0;           // an errno of Linux
  bool blocked = false;    // try again
  Instant until = kNever;  // at the latest then

  static Outcome ok(int64_t value = 0) { return {.value = value}; }
  static Outcome failed(int error) { return {.error = error}; }
  static Outcome wait(Instant until) { return {.blocked = true, .until = until}; }
  bool done() const { return !blocked; }
};

// The memory of one call from one attempt to the next; a new call begins with a new one.
struct Call {
  bool begun = false;
  Instant deadline = kNever;
  uint64_t done = 0;  // octets moved by earlier attempts

  // The first attempt sets the deadline: `limit` from `now`, kNever-like when zero (SO_RCVTIMEO and the
  // like).
  void begin(Instant now, Micros limit) {
    if (begun) return;
    begun = true;
    deadline = limit == Micros(0) ? kNever : now + limit;
  }
};

}  // namespace millrace::socket
