// Tells the link where our addresses are: when they come into use, and when the link comes up, for switches
// and neighbours may have us elsewhere. Neighbours: link_messages.h writes, host.h says when.
#pragma once

#include "base/params.h"
#include "base/time.h"
#include "ip/link_messages.h"
#include "ip/local_addresses.h"

namespace millrace::ip {

class Announcer {
 public:
  // RFC 5227 §2.3 ANNOUNCE_NUM and ANNOUNCE_INTERVAL; RFC 4861 §7.2.6 allows three advertisements.
  static constexpr unsigned kTimes = 2;
  static constexpr Micros kInterval = 2s;
  static constexpr Micros kRetry = 1ms;

  Announcer(const LocalAddresses& local, LinkMessages& messages) : local_(local), messages_(messages) {}

  // All addresses in use, so many times, from now on.
  void begin(unsigned times, Instant now) {
    times_ = times;
    at_ = now;
    next_ = 0;
  }
  void expire(Instant now, PacketBatch& out) {
    if (now >= at_) [[unlikely]]
      announce(now, out);
  }
  Instant next_deadline() const { return at_; }

 private:
  [[gnu::cold]] void announce(Instant now, PacketBatch& out);

  const LocalAddresses& local_;
  LinkMessages& messages_;
  unsigned times_ = 0;
  Instant at_ = kNever;
  LocalId next_ = 0;
};

}  // namespace millrace::ip
