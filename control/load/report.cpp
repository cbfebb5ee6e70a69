#include "control/load/report.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "config/quantity.h"
#include "config/schema.h"

namespace millrace::control {

namespace {

using config::LoadMode;
using services::load::Distribution;
using services::load::kLoadErrorInfos;
using Json = nlohmann::ordered_json;

struct Quantile {
  const char* name;
  const char* json;
  double share;
};
constexpr Quantile kQuantiles[] = {{"p50", "p50", 0.5},
                                   {"p90", "p90", 0.9},
                                   {"p99", "p99", 0.99},
                                   {"p99.9", "p99_9", 0.999},
                                   {"p99.99", "p99_99", 0.9999}};

std::string_view mode_word(const config::LoadSettings& load) {
  return load_word("mode", static_cast<size_t>(load.mode));
}
std::string_view protocol_word(const config::LoadSettings& load) {
  return load_word("protocol", static_cast<size_t>(load.chosen_protocol()));
}
std::string_view direction_word(const config::LoadSettings& load) {
  return load_word("direction", static_cast<size_t>(load.direction));
}
std::string_view close_word(const config::LoadSettings& load) {
  return load_word("close", static_cast<size_t>(load.chosen_close()));
}
bool ends_connections(const config::LoadSettings& load) {
  return load.mode == LoadMode::Cps || load.mode == LoadMode::Handshake;
}

std::string targets(const config::LoadSettings& load) {
  std::string out;
  for (const config::Target& target : load.to) out += (out.empty() ? "" : ", ") + target.text();
  return out;
}

std::string duration_text(Micros duration) {
  return config::format_duration(static_cast<uint64_t>(duration.count()));
}

void line(std::ostream& out, std::string_view name, const std::string& text) {
  out << fmt::format("  {:<12} {}\n", name, text);
}

std::string quantiles(const Distribution& values) {
  std::string out = fmt::format("mean {:.1f}", values.mean());
  for (const Quantile& quantile : kQuantiles)
    out += fmt::format("  {} {}", quantile.name,
                       grouped(static_cast<double>(values.percentile(quantile.share))));
  return out + "  max " + grouped(static_cast<double>(values.max())) + " us";
}

std::string latency_name(const config::LoadSettings& load) {
  const std::string from = load.rate != 0 && load.mode != LoadMode::Concurrent ? " from the instant due" : "";
  if (load.mode == LoadMode::Cps) return "whole connections" + from;
  if (load.mode == LoadMode::Handshake) return "handshakes" + from;
  return "requests" + from;
}

std::string errors_text(const LoadSample::Counts& counts) {
  std::string out;
  for (const auto& info : kLoadErrorInfos)
    if (const uint64_t count = counts.error(info.error); count != 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, info.name);
  return out.empty() ? "none" : out;
}

Json json_of(const Distribution& values) {
  if (values.count() == 0) return nullptr;
  Json out = {{"count", values.count()}, {"mean", values.mean()}};
  for (const Quantile& quantile : kQuantiles) out[quantile.json] = values.percentile(quantile.share);
  out["max"] = values.max();
  return out;
}

double seconds(Micros duration) { return static_cast<double>(duration.count()) / 1e6; }

Json parameters_json(const config::LoadSettings& load) {
  Json to = Json::array();
  for (const config::Target& target : load.to) to.push_back(target.text());
  Json out = {{"to", to},
              {"connections", load.connections},
              {"depth", load.depth},
              {"rate", load.rate},
              {"duration_s", seconds(load.duration)},
              {"warm_up_s", seconds(load.warm_up)},
              {"request_bytes", load.request_bytes},
              {"response_bytes", load.response_bytes},
              {"work", load.work},
              {"path", load.path}};
  if (load.mode == LoadMode::Bulk) out["direction"] = direction_word(load);
  if (ends_connections(load)) out["close"] = close_word(load);
  return out;
}

Json errors_json(const LoadSample::Counts& counts) {
  Json out = {{"total", counts.all_errors()}};
  for (const auto& info : kLoadErrorInfos) out[std::string(info.name)] = counts.error(info.error);
  return out;
}

}  // namespace

std::string_view load_word(std::string_view key, size_t choice) {
  return config::find_key("load", key)->choices[choice];
}

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", std::max(number, 0.0));
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string load_headline(const config::LoadSettings& load) {
  std::string what = fmt::format("{} {}", mode_word(load), protocol_word(load));
  if (load.mode == LoadMode::Bulk) what += fmt::format(" {}", direction_word(load));
  if (load.mode == LoadMode::Handshake) what = "handshake";
  if (ends_connections(load)) what += fmt::format(", closed by {}", close_word(load));
  const std::string depth = load.depth == 1 ? "" : fmt::format(" x {} requests", load.depth);
  const std::string loop =
      load.rate == 0 ? "as fast as it goes (closed loop)"
                     : fmt::format("{} a second (open loop)", grouped(static_cast<double>(load.rate)));
  return fmt::format("{} to {}: {} connections{}, {}, {} after {} of warm-up", what, targets(load),
                     grouped(load.connections), depth, loop, duration_text(load.duration),
                     duration_text(load.warm_up));
}

void print_load_table(std::ostream& out, const LoadResult& result, const LoadVerdict& verdict) {
  const config::LoadSettings& load = result.asked;
  const LoadSample& measured = result.measured;
  const LoadSample::Counts& counts = measured.counts;
  out << load_headline(load) << '\n';
  line(out, "measured", fmt::format("{:.2f} s{}", result.seconds, result.interrupted ? ", interrupted" : ""));
  if (counts.responses != 0)
    line(out, "requests",
         fmt::format("{}/s, {} answered, {} lost with their connections", grouped(result.requests_rate()),
                     grouped(static_cast<double>(counts.responses)),
                     grouped(static_cast<double>(counts.unanswered))));
  if (ends_connections(load))
    line(out, "connections",
         fmt::format("{}/s, {} completed", grouped(result.connections_rate()),
                     grouped(static_cast<double>(counts.completed))));
  else
    line(out, "connections",
         fmt::format("{} open, {} opened meanwhile", grouped(static_cast<double>(measured.open)),
                     grouped(static_cast<double>(counts.established))));
  line(out, "payload",
       fmt::format("{:.3f} Gbit/s up, {:.3f} Gbit/s down", result.sent_gbit_rate(),
                   result.received_gbit_rate()));
  if (measured.latency.count() != 0)
    line(out, "latency", quantiles(measured.latency) + ", of " + latency_name(load));
  if (measured.connect.count() != 0) line(out, "connect", quantiles(measured.connect));
  line(out, "errors", errors_text(counts));
  line(out, "sent again",
       fmt::format("{} segments", grouped(static_cast<double>(measured.signs.retransmitted_segments))));
  for (size_t i = 0; i < measured.loops.size(); ++i)
    line(out, fmt::format("lcore {}", i),
         fmt::format("busy in {:.0f} % of its iterations", 100 * measured.loops[i].busy_share()));
  line(out, verdict.reached ? "reached" : "NOT REACHED", verdict.sentence);
}

void print_load_json(std::ostream& out, const LoadResult& result, const LoadVerdict& verdict) {
  const LoadSample& measured = result.measured;
  const LoadSample::Counts& counts = measured.counts;
  Json lcores = Json::array();
  for (const LoadSample::Loop& loop : measured.loops)
    lcores.push_back(
        {{"iterations", loop.iterations}, {"busy_iterations", loop.busy}, {"busy_share", loop.busy_share()}});
  const Json object = {{"mode", mode_word(result.asked)},
                       {"protocol", protocol_word(result.asked)},
                       {"loop", result.asked.rate == 0 ? "closed" : "open"},
                       {"parameters", parameters_json(result.asked)},
                       {"device", result.device},
                       {"interrupted", result.interrupted},
                       {"elapsed_s", result.seconds},
                       {"requests_per_second", result.requests_rate()},
                       {"connections_per_second", result.connections_rate()},
                       {"sent_gbit_per_second", result.sent_gbit_rate()},
                       {"received_gbit_per_second", result.received_gbit_rate()},
                       {"requests", counts.requests},
                       {"responses", counts.responses},
                       {"unanswered", counts.unanswered},
                       {"connections_opened", counts.opens},
                       {"connections_established", counts.established},
                       {"connections_completed", counts.completed},
                       {"connections_open", measured.open},
                       {"requests_pending", measured.pending},
                       {"behind_us", measured.behind_us},
                       {"bytes_sent", counts.bytes_sent},
                       {"bytes_received", counts.bytes_received},
                       {"latency_us", json_of(measured.latency)},
                       {"connect_latency_us", json_of(measured.connect)},
                       {"errors", errors_json(counts)},
                       {"retransmitted_segments", measured.signs.retransmitted_segments},
                       {"window_probes", measured.signs.window_probes},
                       {"pool_empty", measured.signs.pool_empty},
                       {"lcores", lcores},
                       {"verdict", {{"reached", verdict.reached}, {"sentence", verdict.sentence}}}};
  out << object.dump(2) << '\n';
}

}  // namespace millrace::control
