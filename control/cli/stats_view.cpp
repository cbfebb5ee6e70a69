// `stats` and `drops` as tables. The names, units and sentences are the endpoint's; units of counters that
// this build does not know stay blank.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/counters.h"
#include "control/cli/table.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

struct Line {
  std::string group;  // counters, gauges, drops
  std::string name;
};

std::string_view unit_of(const Line& line) {
  if (line.group == "drops") return "packets";
  const auto* found = std::ranges::find(kCounterInfos, line.name, &CounterInfo::name);
  return found == kCounterInfos.end() ? "" : found->unit;
}

// In the order of base/counters.h, then those that only the endpoint knows.
std::vector<Line> lines_of(const json& total) {
  std::vector<Line> out;
  const auto add = [&](const char* group, std::string_view name) {
    const bool there = total.contains(group) && total[group].contains(std::string(name));
    const auto same = [&](const Line& line) { return line.group == group && line.name == name; };
    if (there && std::ranges::none_of(out, same)) out.push_back({group, std::string(name)});
  };
  for (const CounterInfo& info : kCounterInfos) add(info.gauge ? "gauges" : "counters", info.name);
  for (const DropInfo& info : kDropInfos) add("drops", info.name);
  for (const char* group : {"counters", "gauges", "drops"}) {
    const json members = total.value(group, json::object());
    for (const auto& [name, value] : members.items()) add(group, name);
  }
  return out;
}

uint64_t value_in(const json& values, const Line& line) {
  return values.value(line.group, json::object()).value(line.name, uint64_t{0});
}

// Gauges have no rate. A counter that fell belongs to another run: no rate either.
std::string rate_text(const json& now, const json& before, const Line& line) {
  const double seconds =
      static_cast<double>(now.at("at_us").get<int64_t>() - before.at("at_us").get<int64_t>()) / 1e6;
  const uint64_t value = value_in(now.at("total"), line), earlier = value_in(before.at("total"), line);
  if (line.group == "gauges" || seconds <= 0 || value < earlier) return "-";
  const double rate = static_cast<double>(value - earlier) / seconds;
  return rate == 0 ? "0" : fmt::format("{:.1f}", rate);
}

struct Share {
  const char* title;
  double share;
};
constexpr std::array kShares{Share{"P50", 0.5}, Share{"P90", 0.9}, Share{"P99", 0.99}, Share{"P99.9", 0.999}};

// The bound that `share` of all do not exceed; "-": there are none, "more": it has no bound.
std::string percentile_text(const json& values, double share) {
  const double wanted = share * static_cast<double>(values.at("count").get<uint64_t>());
  uint64_t passed = 0;
  for (const json& bucket : values.at("buckets")) {
    passed += bucket.at("count").get<uint64_t>();
    if (static_cast<double>(passed) < wanted) continue;
    return bucket.at("le").is_null() ? "more" : "<=" + dump(bucket.at("le"));
  }
  return "-";
}

// `name` ends with its unit: tcp_rtt_us.
std::vector<std::string> histogram_cells(const std::string& name, std::string shard, const json& values) {
  const size_t unit = name.rfind('_');
  const auto count = values.at("count").get<uint64_t>();
  const double mean = count == 0 ? 0 : values.at("sum").get<double>() / static_cast<double>(count);
  std::vector<std::string> cells{name.substr(0, unit), std::move(shard), std::to_string(count),
                                 fmt::format("{:.1f}", mean)};
  for (const Share& each : kShares) cells.push_back(percentile_text(values, each.share));
  cells.push_back(name.substr(unit + 1));
  return cells;
}

// A gauge falls too; a counter that fell belongs to another run.
std::string change_text_of(const json& now, const json& before, const Line& line) {
  const uint64_t value = value_in(now.at("total"), line), earlier = value_in(before.at("total"), line);
  if (value == earlier) return "0";
  if (value > earlier) return fmt::format("+{}", value - earlier);
  return line.group == "gauges" ? fmt::format("-{}", earlier - value) : "-";
}

std::string shown_name(const Line& line) { return line.group == "drops" ? "drop " + line.name : line.name; }

}  // namespace

std::string stats_text(const json& reply, const json& before, const StatsStyle& style) {
  std::vector<Column> columns{{"COUNTER", Align::Left}, {"TOTAL", Align::Right}};
  if (!before.is_null()) {
    columns.push_back({"CHANGE", Align::Right});
    columns.push_back({"PER SECOND", Align::Right});
  }
  if (style.per_shard) {
    for (const json& shard : reply.at("shards"))
      columns.push_back({fmt::format("SHARD {}", shard.at("shard").get<unsigned>()), Align::Right});
  }
  columns.push_back({"UNIT", Align::Left});

  Table table(std::move(columns));
  for (const Line& line : lines_of(reply.at("total"))) {
    const uint64_t total = value_in(reply.at("total"), line);
    if (total == 0 && !style.all) continue;
    std::vector<std::string> cells{shown_name(line), std::to_string(total)};
    if (!before.is_null()) {
      cells.push_back(change_text_of(reply, before, line));
      cells.push_back(rate_text(reply, before, line));
    }
    if (style.per_shard)
      for (const json& shard : reply.at("shards")) cells.push_back(std::to_string(value_in(shard, line)));
    cells.emplace_back(unit_of(line));
    table.add(std::move(cells));
  }
  return table.empty() ? "Every counter is zero (--all shows them).\n" : table.text();
}

std::string histograms_text(const json& reply, const StatsStyle& style) {
  std::vector<Column> columns{
      {"HISTOGRAM", Align::Left}, {"SHARD", Align::Left}, {"COUNT", Align::Right}, {"MEAN", Align::Right}};
  for (const Share& share : kShares) columns.push_back({share.title, Align::Right});
  columns.push_back({"UNIT", Align::Left});
  Table table(std::move(columns));
  const json total = reply.at("total").value("histograms", json::object());
  for (const auto& [name, values] : total.items()) {
    if (values.at("count") == 0 && !style.all) continue;
    table.add(histogram_cells(name, "all", values));
    if (!style.per_shard) continue;
    for (const json& shard : reply.at("shards"))
      table.add(histogram_cells(name, dump(shard.at("shard")), shard.at("histograms").at(name)));
  }
  return table.empty() ? "Nothing was measured yet (--all shows every histogram).\n" : table.text();
}

std::string drops_text(const json& reply, bool all) {
  std::vector<json> reasons = reply.at("reasons");
  std::ranges::stable_sort(reasons, std::greater<>(),
                           [](const json& reason) { return reason.at("total").get<uint64_t>(); });
  Table table({{"PACKETS", Align::Right}, {"REASON", Align::Left}, {"", Align::Left}});
  for (const json& reason : reasons) {
    if (reason.at("total") == 0 && !all) continue;
    table.add({dump(reason.at("total")), reason.at("name").get<std::string>(),
               reason.at("sentence").get<std::string>()});
  }
  return table.empty() ? "Nothing was dropped (--all shows every reason).\n" : table.text();
}

}  // namespace millrace::control::cli
