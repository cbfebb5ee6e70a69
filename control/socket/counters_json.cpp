#include "control/socket/counters_json.h"

#include <chrono>
#include <string>
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

// The buckets that hold something, each with the bound that its values do not exceed (null: none).
json distribution_json(const Distribution& from) {
  json buckets = json::array();
  for (size_t i = 0; i < from.buckets.size(); ++i) {
    if (from.buckets[i] == 0) continue;
    const uint64_t bound = Histogram::bound_of(i);
    buckets.push_back(
        {{"le", bound == UINT64_MAX ? json(nullptr) : json(bound)}, {"count", from.buckets[i]}});
  }
  return {{"count", from.count}, {"sum", from.sum}, {"buckets", std::move(buckets)}};
}

// One row a shard, and their sum.
void add_histograms(std::span<const Counters* const> shards, json& rows, json& total) {
  for (const HistogramInfo& info : kHistogramInfos) {
    const std::string name = std::string(info.name) + '_' + std::string(info.unit);
    Distribution all;
    for (size_t i = 0; i < shards.size(); ++i) {
      Distribution one;
      one.add(shards[i]->*info.member);
      rows[i]["histograms"][name] = distribution_json(one);
      all.add(one);
    }
    total["histograms"][name] = distribution_json(all);
  }
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
  add_histograms(shards, rows, total);
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
