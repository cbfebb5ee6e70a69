#include "sim/ladder.h"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::sim {

std::string path_text(std::span<const tcp::State> path) {
  std::string out;
  for (const tcp::State state : path) {
    if (!out.empty()) out += " > ";
    out += tcp::name_of(state);
  }
  return out;
}

std::string flags_text(wire::Flags flags) {
  using wire::Flags;
  constexpr std::array<std::pair<uint8_t, std::string_view>, 8> kNames = {{{Flags::kSyn, "SYN"},
                                                                           {Flags::kFin, "FIN"},
                                                                           {Flags::kRst, "RST"},
                                                                           {Flags::kPsh, "PSH"},
                                                                           {Flags::kUrg, "URG"},
                                                                           {Flags::kEce, "ECE"},
                                                                           {Flags::kCwr, "CWR"},
                                                                           {Flags::kAck, "ACK"}}};
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((flags.bits() & bit) == 0) continue;
    if (!out.empty()) out += ',';
    out += name;
  }
  return out.empty() ? "none" : out;
}

SegmentSummary SegmentLens::look(Side from, const wire::Segment& segment) {
  Half& ours = halves_[static_cast<size_t>(from)];
  Half& theirs = halves_[static_cast<size_t>(other(from))];
  if (segment.flags.syn() && !(ours.syn_seen && ours.base == segment.seq))
    ours = {.base = segment.seq, .scale = segment.options.window_scale, .syn_seen = true};
  if (!ours.base) ours.base = segment.seq;
  if (segment.flags.ack() && !theirs.base) theirs.base = segment.ack;

  SegmentSummary out{.flags = segment.flags,
                     .seq = segment.seq,
                     .ack = segment.ack,
                     .relative_seq = segment.seq - *ours.base,
                     .window = segment.window,
                     .urgent_pointer = segment.urgent_pointer,
                     .options = segment.options,
                     .payload_bytes = segment.payload_length};
  if (segment.flags.ack()) out.relative_ack = segment.ack - *theirs.base;
  if (segment.flags.syn() || (ours.syn_seen && theirs.syn_seen && !(ours.scale && theirs.scale)))
    out.window_bytes = segment.window.field();  // RFC 7323 §2.2: SYN windows are never scaled
  else if (ours.syn_seen && theirs.syn_seen)
    out.window_bytes = ours.scale->bytes(segment.window);

  if (segment.length() != 0) {
    out.retransmission = ours.sent_to && segment.seq.before(*ours.sent_to);
    ours.sent_to = ours.sent_to ? later(*ours.sent_to, segment.end()) : segment.end();
  }
  return out;
}

Ladder ladder_of(std::span<const shard::TraceRow> trace, const wire::FlowAddress& flow) {
  std::vector<shard::TraceRow> ours;
  std::copy_if(trace.begin(), trace.end(), std::back_inserter(ours),
               [&](const shard::TraceRow& row) { return row.segment.flow == flow; });
  const bool we_are_right = !ours.empty() && !ours.front().sent;
  const Side us = we_are_right ? Side::Right : Side::Left;
  Ladder ladder{.left_name = we_are_right ? "client (peer)" : "client (us)",
                .right_name = we_are_right ? "server (us)" : "server (peer)",
                .left = we_are_right ? flow.remote : flow.local,
                .right = we_are_right ? flow.local : flow.remote};
  if (ours.empty()) return ladder;
  ladder.origin = ours.front().at;
  (we_are_right ? ladder.right_start : ladder.left_start) = ours.front().before;
  std::vector<tcp::State>& path = we_are_right ? ladder.right_path : ladder.left_path;
  path.push_back(ours.front().before);

  SegmentLens lens;
  for (const shard::TraceRow& row : ours) {
    LadderRow out{.number = ladder.rows.size() + 1, .at = row.at, .arrived_at = row.at};
    out.departure = out.arrival = out.number;
    out.from = row.sent ? us : other(us);
    out.segment = lens.look(out.from, row.segment);
    out.passage(us) = {.before = row.before, .after = row.after};
    for (const tcp::State state : {row.before, row.after})
      if (state != path.back()) path.push_back(state);
    ladder.rows.push_back(std::move(out));
  }
  return ladder;
}

}  // namespace millrace::sim
