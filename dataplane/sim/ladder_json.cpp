// A ladder as JSON, for programs. Neighbours: ladder.h (the data), ladder_text.cpp (the drawing).
#include <nlohmann/json.hpp>

#include "sim/ladder.h"

namespace millrace::sim {

namespace {

using Json = nlohmann::ordered_json;

Json state_json(const std::optional<tcp::State>& state) {
  return state ? Json(tcp::name_of(*state)) : Json(nullptr);
}

Json passage_json(const Passage& passage) {
  return {{"before", state_json(passage.before)}, {"after", state_json(passage.after)}};
}

Json path_json(const std::vector<tcp::State>& path) {
  Json out = Json::array();
  for (const tcp::State state : path) out.push_back(tcp::name_of(state));
  return out;
}

Json options_json(const wire::TcpOptions& options) {
  Json out = Json::object();
  if (options.mss) out["mss_bytes"] = options.mss->octets();
  if (options.window_scale) out["window_scale"] = options.window_scale->shift();
  if (options.sack_permitted) out["sack_permitted"] = true;
  if (options.timestamps)
    out["timestamps"] = {{"value", options.timestamps->value},
                         {"echo_reply", options.timestamps->echo_reply}};
  if (options.fast_open) out["fast_open_cookie_bytes"] = options.fast_open->length;
  for (uint8_t i = 0; i < options.sack_count; ++i)
    out["sack"].push_back({options.sack[i].left.raw(), options.sack[i].right.raw()});
  return out;
}

Json segment_json(const SegmentSummary& segment) {
  Json out = {{"flags", flags_text(segment.flags)},
              {"seq", segment.seq.raw()},
              {"seq_relative", segment.relative_seq}};
  if (segment.flags.ack()) {
    out["ack"] = segment.ack.raw();
    out["ack_relative"] = segment.relative_ack;
  }
  out["window_field"] = segment.window.field();
  if (segment.window_bytes) out["window_bytes"] = *segment.window_bytes;
  if (segment.flags.urg()) out["urgent_pointer"] = segment.urgent_pointer;
  out["options"] = options_json(segment.options);
  out["payload_bytes"] = segment.payload_bytes;
  out["retransmission"] = segment.retransmission;
  return out;
}

std::string_view kind_name(LadderRow::Kind kind) {
  switch (kind) {
    case LadderRow::Kind::Segment:
      return "segment";
    case LadderRow::Kind::Neighbor:
      return "neighbor";
    case LadderRow::Kind::State:
      return "state";
    case LadderRow::Kind::Note:
      return "note";
  }
  return "";
}

Json row_json(const LadderRow& row, Instant origin) {
  const auto since = [&](Instant at) { return (at - origin).count(); };
  Json out = {{"kind", kind_name(row.kind)}, {"at_us", since(row.at)}};
  const bool frame = row.kind == LadderRow::Kind::Segment || row.kind == LadderRow::Kind::Neighbor;
  out[frame ? "from" : "side"] = row.from == Side::Left ? "left" : "right";
  if (frame) {
    out["number"] = row.number;
    out["fate"] = name_of(row.fate);
    if (row.copy_of != 0) out["copy_of"] = row.copy_of;
    out["arrived_at_us"] = row.arrived_at ? Json(since(*row.arrived_at)) : Json(nullptr);
  }
  if (row.kind == LadderRow::Kind::Segment) out["segment"] = segment_json(row.segment);
  out["left"] = passage_json(row.left);
  out["right"] = passage_json(row.right);
  if (!row.note.empty()) out["note"] = row.note;
  return out;
}

}  // namespace

std::string render_json(const Ladder& ladder, bool neighbors, int indent) {
  const auto end = [](const std::string& name, const Endpoint& endpoint,
                      const std::vector<tcp::State>& path) {
    return Json{{"name", name}, {"endpoint", endpoint.text()}, {"path", path_json(path)}};
  };
  Json out = {{"left", end(ladder.left_name, ladder.left, ladder.left_path)},
              {"right", end(ladder.right_name, ladder.right, ladder.right_path)},
              {"rows", Json::array()}};
  for (const LadderRow& row : ladder.rows)
    if (neighbors || row.kind != LadderRow::Kind::Neighbor)
      out["rows"].push_back(row_json(row, ladder.origin));
  return out.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace millrace::sim
