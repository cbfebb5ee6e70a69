#include "control/socket/counters_json.h"

#include <chrono>
#include <utility>

namespace millrace::control {

namespace {

uint64_t sum(std::span<const Counters* const> shards, DropReason reason) {
  uint64_t total = 0;
  for (const Counters* counters : shards) total += counters->dropped(reason);
  return total;
}

json values_of(const Counters& from) {
  json counters = json::object(), gauges = json::object(), drops = json::object();
  for (const CounterInfo& info : kCounterInfos)
    (info.gauge ? gauges : counters)[info.name] = (from.*info.member).value();
  for (const DropInfo& info : kDropInfos) drops[info.name] = from.dropped(info.reason);
  return {{"counters", std::move(counters)}, {"gauges", std::move(gauges)}, {"drops", std::move(drops)}};
}

// Sums what was read and does not read again, so that a total is the sum of the rows beside it.
void add(json& total, const json& values) {
  for (const auto& [group, members] : values.items())
    for (const auto& [name, value] : members.items())
      total[group][name] = total[group].value(name, uint64_t{0}) + value.get<uint64_t>();
}

}  // namespace

json stats_json(std::span<const Counters* const> shards, unsigned first) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  json rows = json::array(), total = values_of(Counters{});
  for (size_t i = 0; i < shards.size(); ++i) {
    json row = values_of(*shards[i]);
    add(total, row);
    row["shard"] = first + i;
    rows.push_back(std::move(row));
  }
  return {{"at_us", std::chrono::duration_cast<std::chrono::microseconds>(now).count()},
          {"total", std::move(total)},
          {"shards", std::move(rows)}};
}

json drops_json(std::span<const Counters* const> shards) {
  json reasons = json::array();
  for (const DropInfo& info : kDropInfos) {
    json each = json::array();
    for (const Counters* counters : shards) each.push_back(counters->dropped(info.reason));
    reasons.push_back({{"name", info.name},
                       {"sentence", info.help},
                       {"total", sum(shards, info.reason)},
                       {"shards", std::move(each)}});
  }
  return {{"reasons", std::move(reasons)}};
}

}  // namespace millrace::control
