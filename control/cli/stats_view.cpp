// `stats` and `drops` as tables. The names, units and sentences are the endpoint's; units of counters that
// this build does not know stay blank. Neighbour: stats_rows.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "base/counters.h"
#include "control/cli/table.h"
#include "control/cli/views.h"
#include "control/socket/view.h"

namespace millrace::control::cli {

namespace {

struct Line {
  std::string group;  // counters, gauges, drops
  std::string name;
  std::string_view unit;
};

// In the order in which they are declared, then those that only the endpoint knows.
std::vector<Line> lines_of(const json& values) {
  std::vector<Line> out;
  const auto add = [&](const char* group, std::string_view name, std::string_view unit) {
    const bool there = values.contains(group) && values[group].contains(name);
    const auto same = [&](const Line& line) { return line.group == group && line.name == name; };
    if (there && std::ranges::none_of(out, same)) out.push_back({group, std::string(name), unit});
  };
  if (values.contains("service"))
    for (const ServiceCounterInfo& info : kServiceCounterInfos)
      add(info.gauge ? "gauges" : "counters", info.name, info.unit);
  if (values.contains("port"))
    for (const PortCounterInfo& info : kPortCounterInfos) add("counters", info.name, info.unit);
  for (const CounterInfo& info : kCounterInfos) add(info.gauge ? "gauges" : "counters", info.name, info.unit);
  for (const DropInfo& info : kDropInfos) add("drops", info.name, "packets");
  for (const char* group : {"counters", "gauges", "drops"}) {
    const json members = values.value(group, json::object());
    for (const auto& [name, value] : members.items()) add(group, name, "");
  }
  return out;
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

std::string shown_change(const Figure& figure) {
  if (!figure.change) return "-";
  return *figure.change > 0 ? fmt::format("+{}", *figure.change) : std::to_string(*figure.change);
}

std::string shown_rate(const Figure& figure) {
  if (!figure.per_second) return "-";
  return *figure.per_second == 0 ? "0" : fmt::format("{:.1f}", *figure.per_second);
}

std::string shown_name(const Line& line) { return line.group == "drops" ? "drop " + line.name : line.name; }

std::string shown_name(const json& row) {
  if (!row.is_string()) return dump(row);
  const auto name = row.get<std::string>();
  return name.empty() ? "(opened by us)" : name;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::vector<Column> columns_of(const json& reply, bool changes, const StatsStyle& style) {
  std::vector<Column> columns;
  if (style.by != nullptr) columns.push_back({upper(style.by->name), Align::Left});
  columns.push_back({"COUNTER", Align::Left});
  columns.push_back({"TOTAL", Align::Right});
  if (changes) {
    columns.push_back({"CHANGE", Align::Right});
    columns.push_back({"PER SECOND", Align::Right});
  }
  if (style.per_shard) {
    for (const json& shard : reply.at("shards"))
      columns.push_back({fmt::format("SHARD {}", shard.at("shard").get<unsigned>()), Align::Right});
  }
  columns.push_back({"UNIT", Align::Left});
  return columns;
}

}  // namespace

std::string stats_text(const json& reply, const json& before, const StatsStyle& style) {
  const bool changes = !before.is_null();
  Table table(columns_of(reply, changes, style));
  for (const StatsRow& row : stats_rows(reply, before, style.by)) {
    for (const Line& line : lines_of(*row.now)) {
      const Figure figure = row.figure(line.group, line.name);
      if (figure.value == 0 && !style.all) continue;
      std::vector<std::string> cells;
      if (style.by != nullptr) cells.push_back(shown_name(row.name));
      cells.push_back(shown_name(line));
      cells.push_back(std::to_string(figure.value));
      if (changes) {
        cells.push_back(shown_change(figure));
        cells.push_back(shown_rate(figure));
      }
      if (style.per_shard)
        for (const StatsRow& shard : stats_rows(reply, {}, &kStatsBys[0]))
          cells.push_back(std::to_string(shard.figure(line.group, line.name).value));
      cells.emplace_back(line.unit);
      table.add(std::move(cells));
    }
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
