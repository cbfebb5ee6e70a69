// `trace`: the ladders of the connections that spoke last, drawn by sim/ladder from the endpoint's flight
// recorder.
#include <algorithm>
#include <vector>

#include "control/cli/views.h"
#include "control/socket/rows.h"
#include "sim/ladder.h"

namespace millrace::control::cli {

namespace {

// The flow of a row in words that compare equal for both directions (both are told from the endpoint's side).
std::string flow_key(const json& row) {
  return dump(row.at("shard")) + dump(row.at("local_address")) + dump(row.at("local_port")) +
         dump(row.at("remote_address")) + dump(row.at("remote_port"));
}

}  // namespace

json rows_of_last(const json& rows, size_t connections) {
  std::vector<std::string> chosen;
  for (auto row = rows.rbegin(); row != rows.rend() && chosen.size() < connections; ++row) {
    std::string key = flow_key(*row);
    if (std::ranges::find(chosen, key) == chosen.end()) chosen.push_back(std::move(key));
  }
  json out = json::array();
  for (const json& row : rows)
    if (std::ranges::find(chosen, flow_key(row)) != chosen.end()) out.push_back(row);
  return out;
}

std::string ladders_text(const json& rows, bool ascii) {
  struct Flow {
    std::string key;
    std::vector<shard::TraceRow> rows;
  };
  std::vector<Flow> flows;  // in the order of their first segments
  for (const json& row : rows) {
    const auto parsed = trace_row(row);
    if (!parsed) continue;
    const std::string key = flow_key(row);
    auto flow = std::ranges::find(flows, key, &Flow::key);
    if (flow == flows.end()) flow = flows.insert(flows.end(), Flow{key, {}});
    flow->rows.push_back(*parsed);
  }
  if (flows.empty()) {
    return "The flight recorder is empty: no segment has come or gone, or it is switched off "
           "(trace_segments).\n";
  }
  sim::TextStyle style;
  style.ascii = ascii;
  std::string out;
  for (const Flow& flow : flows) {
    if (!out.empty()) out += '\n';
    out += sim::render_text(sim::ladder_of(flow.rows, flow.rows.front().segment.flow), style);
  }
  return out;
}

}  // namespace millrace::control::cli
