#include "control/socket/counters_json.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace millrace::control {

namespace {

int64_t micros_of(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

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

json values_of(const ServiceCounters& from) {
  json counters = json::object(), gauges = json::object();
  for (const ServiceCounterInfo& info : kServiceCounterInfos)
    (info.gauge ? gauges : counters)[info.name] = (from.*info.member).value();
  return {{"counters", std::move(counters)}, {"gauges", std::move(gauges)}};
}

// A row a service, with its part in each shard. Shards may have met services in different orders.
json services_json(std::span<const Counters* const> shards, unsigned first) {
  std::vector<std::string> names;
  json rows = json::array();
  for (size_t i = 0; i < shards.size(); ++i) {
    const ServiceTable& table = shards[i]->services;
    const size_t size = table.size();
    for (size_t number = 0; number < size; ++number) {
      const auto known = std::ranges::find(names, table.name(number));
      const auto at = static_cast<size_t>(known - names.begin());
      if (known == names.end()) {
        names.push_back(table.name(number));
        rows.push_back(values_of(ServiceCounters{}));
        rows[at]["service"] = table.name(number);
        rows[at]["shards"] = json::array();
      }
      json part = values_of(table[number]);
      add(rows[at], part);
      part["shard"] = first + i;
      rows[at]["shards"].push_back(std::move(part));
    }
  }
  return rows;
}

// What the device counts, and where there is no other port why the shards have dropped packets: all of them
// have come by it or were to leave by it.
json ports_json(std::span<const PortInfo> ports, const json& drops) {
  json rows = json::array();
  for (const PortInfo& port : ports) {
    json counters = json::object();
    for (const PortCounterInfo& info : kPortCounterInfos) counters[info.name] = port.*info.member;
    rows.push_back({{"port", port.name},
                    {"at_us", micros_of(port.read_at)},
                    {"counters", std::move(counters)},
                    {"gauges", {{"link_up", port.link_up ? 1 : 0}}},
                    {"drops", ports.size() == 1 ? drops : json::object()}});
  }
  return rows;
}

}  // namespace

json stats_json(std::span<const Counters* const> shards, unsigned first, std::span<const PortInfo> ports) {
  const auto now = std::chrono::steady_clock::now();
  json rows = json::array(), total = values_of(Counters{});
  for (size_t i = 0; i < shards.size(); ++i) {
    json row = values_of(*shards[i]);
    add(total, row);
    row["shard"] = first + i;
    rows.push_back(std::move(row));
  }
  add_histograms(shards, rows, total);
  json by_port = ports_json(ports, total["drops"]);
  return {{"at_us", micros_of(now)},
          {"total", std::move(total)},
          {"shards", std::move(rows)},
          {"services", services_json(shards, first)},
          {"ports", std::move(by_port)}};
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
