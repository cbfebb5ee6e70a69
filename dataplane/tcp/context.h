// What the core is handed with every call, and what it answers.
#pragma once

#include <cstdint>

#include "base/counters.h"
#include "base/params.h"
#include "base/time.h"

namespace millrace::tcp {

class AnswerBudget;
class FastOpen;
class PathMtuCache;

struct Context {
  Instant now;
  const TcpParams& params;
  Counters& counters;
  bool memory_short = false;              // payload memory is nearly used up: who makes no progress gives way
  AnswerBudget* challenges = nullptr;  // nullptr: without a limit
  FastOpen* fast_open = nullptr;          // of the shard; none: nothing is opened by it
  PathMtuCache* path_mtus = nullptr;      // of the shard; none: nothing is remembered
};

// What became of a received segment. What is to be sent is noted in the TCB and leaves by next_segment();
// only a RST that belongs to no connection's sequence space is the caller's to send.
class Verdict {
 public:
  static constexpr Verdict taken() { return Verdict(Kind::Taken, {}); }
  static constexpr Verdict dropped(DropReason reason) { return Verdict(Kind::Dropped, reason); }
  // Dropped, and answered as RFC 9293 §3.10.7.1 says (close/reset.h).
  static constexpr Verdict reset(DropReason reason) { return Verdict(Kind::Reset, reason); }

  constexpr bool is_taken() const { return kind_ == Kind::Taken; }
  constexpr bool wants_reset() const { return kind_ == Kind::Reset; }
  constexpr DropReason reason() const { return reason_; }

 private:
  enum class Kind : uint8_t { Taken, Dropped, Reset };
  constexpr Verdict(Kind kind, DropReason reason) : kind_(kind), reason_(reason) {}
  Kind kind_;
  DropReason reason_;
};

}  // namespace millrace::tcp
