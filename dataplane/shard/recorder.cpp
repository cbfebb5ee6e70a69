#include "shard/recorder.h"

#include <algorithm>
#include <bit>

namespace millrace::shard {

Recorder::Recorder(uint32_t segments) {
  if (segments == 0) return;
  lines_.resize(std::bit_ceil(segments));
  mask_ = lines_.size() - 1;
}

void Recorder::write(Instant now, const wire::Segment& segment, ip::LocalId local, tcp::State before,
                     bool sent) {
  Line& line = lines_[next_++ & mask_];
  const wire::TcpOptions& options = segment.options;
  line = {.at = now,
          .remote = segment.flow.remote.address,
          .remote_port = segment.flow.remote.port,
          .local_port = segment.flow.local.port,
          .local = local,
          .window = segment.window,
          .seq = segment.seq,
          .ack = segment.ack,
          .payload_length = segment.payload_length,
          .timestamps = options.timestamps.value_or(wire::Timestamps{}),
          .mss = options.mss.value_or(Mss(0)).octets(),
          .window_scale = options.window_scale.value_or(WindowScale(0)).shift(),
          .options = static_cast<uint8_t>((options.mss ? kMss : 0) | (options.window_scale ? kScale : 0) |
                                          (options.timestamps ? kTimestamps : 0) |
                                          (options.sack_permitted ? kSack : 0)),
          .flags = segment.flags,
          .before = before,
          .after = before,
          .sent = sent};
  __builtin_prefetch(&lines_[next_ & mask_], 1);
}

TraceRow Recorder::expand(const Line& line, const ip::Host& host) {
  TraceRow row;
  row.at = line.at;
  row.sent = line.sent;
  row.before = line.before;
  row.after = line.after;
  wire::Segment& segment = row.segment;
  segment.flow.remote = {line.remote, line.remote_port};
  segment.flow.local = {line.local == ip::kNoLocal ? IpAddress() : host.local_address(line.local),
                        line.local_port};
  segment.seq = line.seq;
  segment.ack = line.ack;
  segment.flags = line.flags;
  segment.window = line.window;
  segment.payload_length = line.payload_length;
  if ((line.options & kMss) != 0) segment.options.mss = Mss(line.mss);
  if ((line.options & kScale) != 0) segment.options.window_scale = WindowScale(line.window_scale);
  if ((line.options & kTimestamps) != 0) segment.options.timestamps = line.timestamps;
  segment.options.sack_permitted = (line.options & kSack) != 0;
  return row;
}

std::vector<TraceRow> Recorder::rows(size_t limit, const ip::Host& host) const {
  std::vector<TraceRow> out;
  const uint64_t count = std::min<uint64_t>({next_, lines_.size(), limit});
  out.reserve(count);
  for (uint64_t i = next_ - count; i < next_; ++i) out.push_back(expand(lines_[i & mask_], host));
  return out;
}

}  // namespace millrace::shard
