// What the queue before a link's rate does with a frame: it has room or not, and a frame that has waited for long
// is dropped or marked. The wait is known as the frame comes, for the queue is served in order at a known rate.
// Neighbour: link.h.
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"

namespace millrace::sim {

enum class Discipline : uint8_t {
  DropTail,
  CoDel,     // RFC 8289; drops, or marks what is ECN-capable if QueueParams::ecn says so
  EcnStep,   // marks everything ECN-capable that has waited longer than the target (RFC 8257 §3.1); else drop-tail
};

struct QueueParams {
  Discipline discipline = Discipline::DropTail;
  bool ecn = false;      // CoDel marks instead of dropping (RFC 8289 §4.6, RFC 3168 §5)
  Micros target = 5ms;   // RFC 8289 §4.4
  Micros interval = 100ms;
};

enum class QueueVerdict : uint8_t { Pass, Mark, Drop };

// RFC 8289 §4.3 and §5.
class CoDel {
 public:
  // A frame leaves the queue at `now` after `sojourn` in it. True: it is to be dropped or marked.
  bool dequeue(const QueueParams& params, Micros sojourn, Instant now);

 private:
  Instant control_law(const QueueParams& params, Instant from) const;

  bool above_ = false;  // first_above_time is set
  Instant first_above_{};
  bool dropping_ = false;
  Instant drop_next_{};
  uint32_t count_ = 0;
  uint32_t last_count_ = 0;
};

// What becomes of a frame that leaves the queue at `now` after `sojourn`.
QueueVerdict judge(const QueueParams& params, CoDel& codel, std::span<const uint8_t> frame, Micros sojourn,
                   Instant now);

// Whether the frame is an IP packet with ECT(0), ECT(1) or CE (RFC 3168 §5).
bool is_ecn_capable(std::span<const uint8_t> frame);
// Sets CE in an ECN-capable packet, and the IPv4 header checksum right again.
void mark_ce(std::span<uint8_t> frame);

}  // namespace millrace::sim
