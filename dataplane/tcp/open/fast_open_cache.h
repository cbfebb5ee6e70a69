// What a client remembers of Fast Open servers (RFC 7413 §4.1.3): cookies with the server's MSS, and refusals.
// A cookie is kept for our address and the server's, whatever the port; a refusal for the port as well, since
// services differ (§4.1.3.1). Bounded: sets of a few entries, and what was not used for longest gives way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/entropy.h"
#include "base/time.h"
#include "base/units.h"
#include "flow/key.h"
#include "wire/segment.h"

namespace millrace::tcp {

class FastOpenCache {
 public:
  // The wait after a refusal; it doubles with every further one.
  static constexpr Micros kFirstWait = 60s;
  static constexpr Micros kLongestWait = std::chrono::hours(16);

  // At most `entries`, rounded down to whole sets; fewer than one set: nothing is remembered.
  FastOpenCache(uint32_t entries, Entropy& entropy);

  struct Known {
    bool refused = false;  // no option may be sent now
    const wire::FastOpenCookie* cookie = nullptr;
    Mss mss;  // of the server; only with a cookie
  };
  // Of a flow, `key` being the connection's. The cookie stays valid until the next call that is not const.
  Known find(const flow::FlowKey& key, Instant now);
  // The server's MSS if there is a cookie that may be sent now; 0: there is none.
  uint16_t mss_with_cookie(const flow::FlowKey& key, Instant now) const;

  // A SYN-ACK brought a cookie: it takes the place of an older one.
  void store(const flow::FlowKey& key, const wire::FastOpenCookie& cookie, Mss mss);
  // A SYN-ACK without cookie told another MSS.
  void renew_mss(const flow::FlowKey& key, Mss mss);
  // A negative response (§4.1.3.1): no Fast Open with this server and port for a while.
  void refuse(const flow::FlowKey& key, Instant now);
  // It works again: what was held against this server and port is forgotten.
  void forgive(const flow::FlowKey& key);

  uint32_t bound() const { return static_cast<uint32_t>(entries_.size()); }
  uint32_t used() const { return used_; }

 private:
  static constexpr uint32_t kSet = 8;
  struct alignas(64) Entry {
    flow::FlowKey key;
    wire::FastOpenCookie cookie;
    Mss mss;
    uint8_t refusals = 0;
    bool live = false;
    uint32_t used_at = 0;  // of uses_
    Instant refused_until{};
  };
  static_assert(sizeof(Entry) == 64);

  // The names under which a flow's cookie and its refusals are kept.
  static flow::FlowKey cookie_key(const flow::FlowKey& key);
  static flow::FlowKey refusal_key(const flow::FlowKey& key);
  const Entry* look_up(const flow::FlowKey& name) const;
  Entry* look_up(const flow::FlowKey& name);
  Entry& take(const flow::FlowKey& name);

  flow::FlowHash hash_;
  std::vector<Entry> entries_;
  uint32_t uses_ = 0;
  uint32_t used_ = 0;
};

}  // namespace millrace::tcp
