#include "recovery/rack.h"

namespace millrace::recovery {

Micros Rack::detect(Scoreboard& board, Instant now, Micros window) const {
  return detect(board, now, window, [](const Run&, Seq) {});
}

}  // namespace millrace::recovery
