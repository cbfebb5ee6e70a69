#include "control/cli/stats_rows.h"

#include <algorithm>

namespace millrace::control::cli {

namespace {

bool has(const json& values, std::string_view group, std::string_view name) {
  return values.contains(group) && values.at(group).contains(name);
}

uint64_t value_in(const json& values, std::string_view group, std::string_view name) {
  return has(values, group, name) ? values.at(group).at(name).get<uint64_t>() : 0;
}

// What has been read at an instant of its own says so.
int64_t read_at(const json& row, const json& reply) {
  return row.contains("at_us") ? row.at("at_us").get<int64_t>() : reply.at("at_us").get<int64_t>();
}

StatsRow row_of(json name, const json& now, const json& reply, const json* before, const json& earlier) {
  StatsRow row{.name = std::move(name), .now = &now, .before = before};
  if (before != nullptr) {
    const int64_t micros = read_at(now, reply) - read_at(*before, earlier);
    row.seconds = static_cast<double>(std::max<int64_t>(micros, 0)) / 1e6;
  }
  return row;
}

const json* find_named(const json& reply, const StatsBy& by, const json& name) {
  if (reply.is_null() || !reply.contains(by.rows)) return nullptr;
  for (const json& row : reply.at(by.rows))
    if (row.at(by.name) == name) return &row;
  return nullptr;
}

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

}  // namespace

// A gauge falls too; a counter that fell belongs to another run.
Figure StatsRow::figure(std::string_view group, std::string_view of) const {
  Figure out;
  out.value = value_in(*now, group, of);
  if (before == nullptr || !has(*before, group, of)) return out;
  const uint64_t earlier = value_in(*before, group, of);
  const bool is_gauge = group == "gauges";
  if (out.value < earlier && !is_gauge) return out;
  out.change = static_cast<int64_t>(out.value) - static_cast<int64_t>(earlier);
  if (!is_gauge && seconds > 0) out.per_second = static_cast<double>(*out.change) / seconds;
  return out;
}

std::vector<StatsRow> stats_rows(const json& reply, const json& before, const StatsBy* by) {
  std::vector<StatsRow> out;
  if (by == nullptr) {
    out.push_back(row_of({}, reply.at("total"), reply, before.is_null() ? nullptr : &before.at("total"), before));
    return out;
  }
  for (const json& row : reply.at(by->rows)) {
    const json& name = row.at(by->name);
    out.push_back(row_of(name, row, reply, find_named(before, *by, name), before));
  }
  return out;
}

json stats_changes(const json& reply, const json& before, const StatsBy* by) {
  json rows = json::array();
  for (const StatsRow& row : stats_rows(reply, before, by)) {
    json out = json::object();
    if (by != nullptr) out[by->name] = row.name;
    for (const char* group : {"counters", "gauges", "drops"}) {
      if (!row.now->contains(group)) continue;
      json& figures = out[group] = json::object();
      for (const auto& [name, value] : row.now->at(group).items()) {
        const Figure figure = row.figure(group, name);
        figures[name] = {{"value", figure.value}, {"change", or_null(figure.change)}};
        if (std::string_view(group) != "gauges") figures[name]["per_second"] = or_null(figure.per_second);
      }
    }
    rows.push_back(std::move(out));
  }
  const int64_t at = reply.at("at_us").get<int64_t>();
  return {{"at_us", at}, {"interval_us", at - before.at("at_us").get<int64_t>()}, {"rows", std::move(rows)}};
}

}  // namespace millrace::control::cli
