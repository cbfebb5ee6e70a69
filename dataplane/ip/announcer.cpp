// Neighbour: announcer.h.
#include "ip/announcer.h"

namespace millrace::ip {

// What finds no room goes a little later.
void Announcer::announce(Instant now, PacketBatch& out) {
  for (; next_ < local_.prefixes().size(); ++next_) {
    if (!local_.is_usable(next_)) continue;
    if (!messages_.announce(local_.at(next_), out)) {
      at_ = now + kRetry;
      return;
    }
  }
  next_ = 0;
  at_ = --times_ == 0 ? kNever : now + kInterval;
}

}  // namespace millrace::ip
