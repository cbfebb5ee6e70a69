#include "recovery/rack.h"

namespace millrace::recovery {

Micros Rack::detect(Scoreboard& board, Instant now, Micros window) const {
  Micros wait{};
  for (uint16_t i = 0; i < board.size(); ++i) {
    const Run& run = board.run(i);
    if (run.fate != Fate::InFlight || !is_after(sent_at_, end_, run.sent_at, board.run_end(i))) continue;
    const Micros remaining = run.sent_at + rtt_ + window - now;
    if (remaining <= 0us)
      board.mark_lost(i);
    else if (wait == 0us || remaining < wait)
      wait = remaining;
  }
  return wait;
}

}  // namespace millrace::recovery
