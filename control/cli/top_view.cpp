// The numbers of `top`, and the text that shows them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "control/cli/table.h"
#include "control/cli/top.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

struct Rate {
  const char* name;     // in JSON, with `_per_second` behind it
  const char* counter;  // of base/counters.h
};
constexpr std::array kRates{Rate{"segments_received", "tcp_segments_received"},
                            Rate{"segments_sent", "tcp_segments_sent"},
                            Rate{"segments_retransmitted", "tcp_retransmitted_segments"},
                            Rate{"received_bytes", "tcp_bytes_received"},
                            Rate{"sent_bytes", "tcp_bytes_sent"},
                            Rate{"frames_received", "rx_packets"},
                            Rate{"frames_sent", "tx_packets"},
                            Rate{"connections_opened", "tcp_active_opens"},
                            Rate{"connections_accepted", "tcp_passive_opens"},
                            Rate{"connections_established", "tcp_established"},
                            Rate{"connections_closed", "tcp_closed"},
                            Rate{"opens_failed", "tcp_open_failures"}};

uint64_t value(const json& values, const char* group, const std::string& name) {
  return values.value(group, json::object()).value(name, uint64_t{0});
}

// A counter that fell belongs to another run of the endpoint.
double rise(uint64_t now, uint64_t before) { return now < before ? 0 : static_cast<double>(now - before); }

double rise(const json& now, const json& before, const char* counter) {
  return rise(value(now, "counters", counter), value(before, "counters", counter));
}

double ratio(double part, double whole) { return whole <= 0 ? 0 : part / whole; }

// Of a histogram's `count` or `sum`.
double rise_of(const json& now, const json& before, const char* histogram, const char* field) {
  const auto in = [&](const json& row) {
    return row.value("histograms", json::object()).value(histogram, json::object()).value(field, uint64_t{0});
  };
  return rise(in(now), in(before));
}

json shards_of(const json& now, const json& before, double seconds) {
  json out = json::array();
  for (size_t i = 0; i < now.size(); ++i) {
    const json& earlier = i < before.size() ? before[i] : now[i];
    const double bursts = rise_of(now[i], earlier, "rx_burst_packets", "count");
    // Of the time, not of the iterations: one with much to do counts for more than one that found nothing.
    const double busy = rise_of(now[i], earlier, "loop_time_us", "sum") / 1e6;
    out.push_back({{"shard", now[i].at("shard")},
                   {"busy_share", std::min(busy / seconds, 1.0)},
                   {"packets_a_burst", ratio(rise_of(now[i], earlier, "rx_burst_packets", "sum"), bursts)},
                   {"frames_received_per_second", rise(now[i], earlier, "rx_packets") / seconds},
                   {"frames_sent_per_second", rise(now[i], earlier, "tx_packets") / seconds},
                   {"connections", value(now[i], "gauges", "connections")}});
  }
  return out;
}

// Reasons that came since the last look, the most frequent first.
json drops_of(const json& now, const json& before, double seconds) {
  std::vector<json> out;
  const json all = now.value("drops", json::object());
  for (const auto& [name, total] : all.items()) {
    const double rose = rise(total.get<uint64_t>(), value(before, "drops", name));
    if (rose > 0) out.push_back({{"name", name}, {"total", total}, {"per_second", rose / seconds}});
  }
  std::ranges::stable_sort(out, std::greater<>(),
                           [](const json& one) { return one["per_second"].get<double>(); });
  return out;
}

// An id is used again: the addresses belong to the name.
std::string identity(const json& row) {
  return dump(json{row.value("id", ""), row.value("local_address", ""), row.value("local_port", 0),
                   row.value("remote_address", ""), row.value("remote_port", 0)});
}

double octets_a_second(const json& row) {
  return row["sent_bytes_per_second"].get<double>() + row["received_bytes_per_second"].get<double>();
}

// A connection that was not there before has had its octets since.
json connections_of(const Look& now, const Look& before, double seconds, std::string_view sort,
                    size_t limit) {
  std::map<std::string, const json*> earlier;
  for (const json& row : before.rows) earlier.emplace(identity(row), &row);
  json rows = now.rows;
  for (json& row : rows) {
    const auto found = earlier.find(identity(row));
    for (const char* field : {"sent_bytes", "received_bytes"}) {
      const uint64_t was = found != earlier.end()   ? found->second->value(field, uint64_t{0})
                           : before.problem.empty() ? 0
                                                    : row.value(field, uint64_t{0});
      row[std::string(field) + "_per_second"] = rise(row.value(field, uint64_t{0}), was) / seconds;
    }
  }
  if (sort == kByRate)
    std::stable_sort(rows.begin(), rows.end(),
                     [](const json& a, const json& b) { return octets_a_second(a) > octets_a_second(b); });
  else
    sort_connections(rows, sort);
  while (rows.size() > limit) rows.erase(rows.size() - 1);
  return rows;
}

// 0, 0.3, 12, 1.2k, 34.5M: three digits are enough to look at.
std::string count_text(double count) {
  constexpr std::array kUnits{"", "k", "M", "G", "T"};
  size_t unit = 0;
  while (count >= 999.5 && unit + 1 < kUnits.size()) {
    count /= 1000;
    ++unit;
  }
  const bool whole = count == 0 || count >= 100 || (unit == 0 && count >= 10);
  return whole ? fmt::format("{:.0f}{}", count, kUnits[unit]) : fmt::format("{:.1f}{}", count, kUnits[unit]);
}

std::string end_text(const json& row, const char* address, const char* port) {
  const auto text = row.value(address, std::string());
  const int number = row.value(port, 0);
  return text.find(':') == std::string::npos ? fmt::format("{}:{}", text, number)
                                             : fmt::format("[{}]:{}", text, number);
}

std::string heading(const json& view) {
  const json& gauges = view.at("gauges");
  const auto gauge = [&](const char* name) { return gauges.value(name, uint64_t{0}); };
  const json& rates = view.at("rates");
  const auto rate = [&](const char* name) { return count_text(rates.at(std::string(name) + "_per_second")); };
  std::string drops;
  for (const json& one : view.at("drops")) {
    if (&one - &view.at("drops")[0] == 3) break;
    drops += fmt::format("{}{} {}", drops.empty() ? "   " : ", ", one["name"].get<std::string>(),
                         count_text(one["per_second"]));
  }
  return fmt::format(
      "millrace {}, up {}{}   {} connections, {} established, {} half-open, {} in TIME-WAIT\n"
      "segments a second     {:>6} in  {:>6} out  {:>6} retransmitted\n"
      "octets a second       {:>6} in  {:>6} out\n"
      "connections a second  {:>6} accepted  {:>6} opened  {:>6} closed  {:>6} failed\n"
      "drops a second        {:>6}{}\n",
      view.at("version").get<std::string>(), duration_text(view.at("uptime_us")),
      view.at("draining").get<bool>() ? ", draining" : "", gauge("connections"),
      gauge("established_connections"), gauge("syn_records"), gauge("time_wait_records"),
      rate("segments_received"), rate("segments_sent"), rate("segments_retransmitted"),
      rate("received_bytes"), rate("sent_bytes"), rate("connections_accepted"), rate("connections_opened"),
      rate("connections_closed"), rate("opens_failed"), count_text(view.at("drops_per_second")), drops);
}

}  // namespace

json top_view(const Look& now, const Look& before, std::string_view sort, size_t connections) {
  const double micros =
      static_cast<double>(now.stats.at("at_us").get<int64_t>() - before.stats.at("at_us").get<int64_t>());
  const double seconds = std::max(micros, 1.0) / 1e6;
  const json &total = now.stats.at("total"), &earlier = before.stats.at("total");
  json rates = json::object();
  for (const Rate& rate : kRates)
    rates[std::string(rate.name) + "_per_second"] = rise(total, earlier, rate.counter) / seconds;
  json drops = drops_of(total, earlier, seconds);
  double dropped = 0;
  for (const json& one : drops) dropped += one["per_second"].get<double>();
  return {{"version", now.version.value("version", "")},
          {"uptime_us", now.version.value("uptime_us", int64_t{0})},
          {"draining", now.version.value("draining", false)},
          {"interval_us", static_cast<int64_t>(micros)},
          {"rates", std::move(rates)},
          {"gauges", total.value("gauges", json::object())},
          {"drops_per_second", dropped},
          {"drops", std::move(drops)},
          {"shards", shards_of(now.stats.at("shards"), before.stats.at("shards"), seconds)},
          {"connections", connections_of(now, before, seconds, sort, connections)},
          {"more", now.more},
          {"problem", now.problem.empty() ? json() : json(now.problem)}};
}

std::string top_text(const json& view, std::string_view sort) {
  Table shards({{"LCORE", Align::Right},
                {"BUSY", Align::Right},
                {"PACKETS/BURST", Align::Right},
                {"FRAMES IN/S", Align::Right},
                {"FRAMES OUT/S", Align::Right},
                {"CONNECTIONS", Align::Right}});
  for (const json& one : view.at("shards"))
    shards.add({dump(one["shard"]), fmt::format("{:.0f} %", 100 * one["busy_share"].get<double>()),
                fmt::format("{:.1f}", one["packets_a_burst"].get<double>()),
                count_text(one["frames_received_per_second"]), count_text(one["frames_sent_per_second"]),
                dump(one["connections"])});
  Table connections({{"IN/S", Align::Right},
                     {"OUT/S", Align::Right},
                     {"RTT", Align::Right},
                     {"RETRANS", Align::Right},
                     {"SEND-Q", Align::Right},
                     {"STATE", Align::Left},
                     {"LOCAL", Align::Left},
                     {"REMOTE", Align::Left},
                     {"ID", Align::Left}});
  for (const json& row : view.at("connections"))
    connections.add({count_text(row["received_bytes_per_second"]), count_text(row["sent_bytes_per_second"]),
                     duration_text(row.value("srtt_us", int64_t{0})),
                     std::to_string(row.value("retransmits", 0U)),
                     count_text(row.value("send_queue_bytes", 0.0)), row.value("state", std::string()),
                     end_text(row, "local_address", "local_port"),
                     end_text(row, "remote_address", "remote_port"), row.value("id", std::string())});
  std::string out = heading(view) + '\n' + shards.text() + "\nConnections by " + std::string(sort);
  if (view.at("more").get<bool>()) out += fmt::format(", of the {} that were looked at", kMostScanned);
  if (const json& problem = view.at("problem"); problem.is_string())
    return out + ": " + problem.get<std::string>() + '\n' + (connections.empty() ? "" : connections.text());
  return out + (connections.empty() ? ": none\n" : ":\n" + connections.text());
}

std::string fitted(std::string_view text, size_t rows, size_t columns) {
  std::string out;
  for (size_t row = 0; row < rows && !text.empty(); ++row) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.append(text.substr(0, std::min(end, columns))).push_back('\n');
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace millrace::control::cli
