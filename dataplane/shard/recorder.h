// The flight recorder: the last segments of a shard, one line each, always on. Neighbour: rows.h, what a line
// becomes when somebody looks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "ip/host.h"
#include "shard/rows.h"
#include "wire/segment.h"

namespace millrace::shard {

class Recorder {
 public:
  // Remembers `segments`, rounded up to a power of two; 0: records nothing.
  explicit Recorder(uint32_t segments);

  bool on() const { return !lines_.empty(); }
  void received(Instant now, const wire::Segment& segment, ip::LocalId local, tcp::State before) {
    if (on()) write(now, segment, local, before, false);
  }
  void sent(Instant now, const wire::Segment& segment, ip::LocalId local, tcp::State before) {
    if (on()) write(now, segment, local, before, true);
  }
  // The state after the segment that was recorded last.
  void conclude(tcp::State after) {
    if (on()) lines_[(next_ - 1) & mask_].after = after;
  }
  std::vector<TraceRow> rows(size_t limit, const ip::Host& host) const;

 private:
  struct alignas(64) Line {
    Instant at{};
    IpAddress remote;
    uint16_t remote_port = 0;
    uint16_t local_port = 0;
    ip::LocalId local = 0;
    WireWindow window;
    Seq seq;
    Seq ack;
    uint32_t payload_length = 0;
    wire::Timestamps timestamps;
    uint16_t mss = 0;
    uint8_t window_scale = 0;
    uint8_t options = 0;
    wire::Flags flags;
    tcp::State before{};
    tcp::State after{};
    bool sent = false;
    uint8_t fast_open = 0;  // 1 + the octets of the cookie; the cookie itself is a secret of the two ends
  };
  static_assert(sizeof(Line) == 64);
  static constexpr uint8_t kMss = 1, kScale = 2, kTimestamps = 4, kSack = 8;

  void write(Instant now, const wire::Segment& segment, ip::LocalId local, tcp::State before, bool sent);
  // RFC 9293 §3.2, RFC 7323 §1.3, RFC 2018 §2: these stand on SYNs alone.
  static void write_syn_options(Line& line, const wire::TcpOptions& options);
  static TraceRow expand(const Line& line, const ip::Host& host);

  std::vector<Line> lines_;
  uint64_t next_ = 0;
  uint64_t mask_ = 0;
};

}  // namespace millrace::shard
