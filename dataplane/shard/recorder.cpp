#include "shard/recorder.h"

#include <algorithm>
#include <bit>

namespace millrace::shard {

Recorder::Recorder(uint32_t segments) {
  if (segments == 0) return;
  lines_.resize(std::bit_ceil(segments));
  mask_ = lines_.size() - 1;
}

// Field by field: a line put together elsewhere and copied would stall on its own stores.
void Recorder::write(Instant now, const wire::Segment& segment, ip::LocalId local, tcp::State before,
                     bool sent) {
  Line& line = lines_[next_++ & mask_];
  __builtin_prefetch(&lines_[next_ & mask_], 1);
  line.at = now;
  line.remote = segment.flow.remote.address;
  line.remote_port = segment.flow.remote.port;
  line.local_port = segment.flow.local.port;
  line.local = local;
  line.window = segment.window;
  line.seq = segment.seq;
  line.ack = segment.ack;
  line.payload_length = segment.payload_length;
  line.flags = segment.flags;
  line.before = before;
  line.after = before;
  line.sent = sent;
  line.fast_open = 0;
  line.options = 0;
  const wire::TcpOptions& options = segment.options;
  if (options.timestamps) {
    line.timestamps = *options.timestamps;
    line.options = kTimestamps;
  }
  if (segment.flags.syn()) write_syn_options(line, options);
}

void Recorder::write_syn_options(Line& line, const wire::TcpOptions& options) {
  if (options.mss) {
    line.mss = options.mss->octets();
    line.options |= kMss;
  }
  if (options.window_scale) {
    line.window_scale = options.window_scale->shift();
    line.options |= kScale;
  }
  if (options.sack_permitted) line.options |= kSack;
  if (options.fast_open) line.fast_open = static_cast<uint8_t>(1 + options.fast_open->length);
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
  if (line.fast_open != 0)
    segment.options.fast_open.emplace().length = static_cast<uint8_t>(line.fast_open - 1);
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
