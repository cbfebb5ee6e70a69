// Timestamps of RFC 7323: TS.Recent, and Protection Against Wrapped Sequences.
#pragma once

#include <chrono>

#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// RFC 7323 §5.5: after this long without a segment TS.Recent says nothing any more.
inline constexpr Micros kTsRecentLifetime = std::chrono::hours(24 * 24);

inline uint32_t timestamp_clock(Instant now) {
  return static_cast<uint32_t>(now.time_since_epoch().count() / 1000);
}

// RFC 7323 §5.3 R1: the segment is an old duplicate.
inline bool paws_rejects(const Tcb& tcb, const wire::Segment& segment, Instant now) {
  if (!tcb.hot.flags.timestamps || !segment.options.timestamps || segment.flags.rst()) return false;
  if (static_cast<int32_t>(segment.options.timestamps->value - tcb.hot.ts_recent) >= 0) return false;
  return now - tcb.cold.heard_at < kTsRecentLifetime;
}

// RFC 7323 §4.3 (2): the segment spans the last acknowledgement sent, and is not older.
inline void renew_ts_recent(Tcb& tcb, const wire::Segment& segment, Instant now) {
  if (!tcb.hot.flags.timestamps || !segment.options.timestamps) return;
  if (segment.seq.after(tcb.hot.last_ack_sent)) return;
  if (static_cast<int32_t>(segment.options.timestamps->value - tcb.hot.ts_recent) < 0 &&
      now - tcb.cold.heard_at < kTsRecentLifetime)
    return;
  tcb.hot.ts_recent = segment.options.timestamps->value;
}

}  // namespace millrace::tcp
