#include "control/cli/commands.h"

#include <algorithm>
#include <array>
#include <boost/program_options/value_semantic.hpp>
#include <string>

#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;

template <typename T>
po::typed_value<T>* value_of(const char* name) {
  return po::value<T>()->value_name(name);
}

void print_json(Call& call, const json& value, int indent = 2) {
  call.world.out << value.dump(indent, ' ', false, json::error_handler_t::replace) << '\n';
}

// The options given, under the names and with the types that the method declares.
json params_from(const Call& call, Method method) {
  json params = json::object();
  const auto* info = std::ranges::find(kMethods, method, &MethodInfo::method);
  for (const Param& param : info->params) {
    const std::string name(param.name);
    if (name == "limit" || name == "cursor" || call.options.count(name) == 0) continue;
    if (param.type == ParamType::Integer) {
      params[name] = call.options[name].as<int64_t>();
    } else {
      params[name] = call.options[name].as<std::string>();
    }
  }
  if (const auto wrong = check_params(*info, params)) throw Failure(kUsage, wrong->message);
  return params;
}

int64_t bounded(const Call& call, const char* name, int64_t min, int64_t max) {
  const auto value = call.options[name].as<int64_t>();
  if (value >= min && value <= max) return value;
  throw Failure(kUsage, "--" + std::string(name) + " is from " + std::to_string(min) + " to " +
                            std::to_string(max) + "; given was " + std::to_string(value) + ".");
}

struct Rows {
  json rows = json::array();
  bool more = false;
};

// Page after page, up to `limit` rows.
Rows collect(Call& call, Method method, const char* name, size_t limit) {
  Rows all;
  json params = params_from(call, method);
  while (all.rows.size() < limit) {
    params["limit"] = std::min(limit - all.rows.size(), kRowsPerReply);
    json reply = call.client.call(name, params);
    for (json& row : reply.at("rows")) all.rows.push_back(std::move(row));
    all.more = !reply.at("next").is_null();
    if (!all.more) break;
    params["cursor"] = reply.at("next");
  }
  return all;
}

// ---- stats
// -------------------------------------------------------------------------------------------------

void declare_stats(po::options_description& options) {
  options.add_options()("all,a", "counters that are zero too")("per-shard", "a column for each shard")(
      "shard", value_of<int64_t>("N"), "only this shard")("watch,w", "again and again, with rates")(
      "interval,i", value_of<double>("S")->default_value(1.0, "1"),
      "seconds between two looks (0.1 to 3600)")("count,n", value_of<int64_t>("N"),
                                                 "end after so many looks");
}

constexpr std::array kStatsExamples{Example{"stats", "what is not zero"},
                                    Example{"stats --watch -i 2", "rates, every two seconds"},
                                    Example{"stats --json | jq .total.counters.rx_packets", "one number"}};

void show_stats(Call& call, const json& reply, const json& before, bool watching) {
  if (call.json) {
    print_json(call, reply, watching ? -1 : 2);
    return;
  }
  constexpr const char* kHomeAndClear = "\033[H\033[2J\033[3J";
  if (watching && call.world.terminal) call.world.out << kHomeAndClear;
  if (watching && !call.world.terminal && !before.is_null()) call.world.out << '\n';
  const StatsStyle style{call.options.count("all") != 0, call.options.count("per-shard") != 0};
  call.world.out << stats_text(reply, before, style);
}

void run_stats(Call& call) {
  const double interval = call.options["interval"].as<double>();
  if (!(interval >= 0.1 && interval <= 3600))
    throw Failure(kUsage, "--interval is from 0.1 to 3600 seconds.");
  const bool watching = call.options.count("watch") != 0;
  const bool counted = call.options.count("count") != 0;
  if (counted && !watching) throw Failure(kUsage, "--count goes with --watch.");
  const int64_t looks = counted ? bounded(call, "count", 1, 1'000'000'000) : 0;
  const json params = params_from(call, Method::Stats);
  json before;
  for (int64_t look = 1;; ++look) {
    json reply = call.client.call("stats", params);
    show_stats(call, reply, before, watching);
    call.world.out.flush();
    if (!watching || look == looks || !call.world.out) return;
    before = std::move(reply);
    call.world.sleep(std::chrono::milliseconds(static_cast<int64_t>(interval * 1000)));
  }
}

// ---- drops
// -------------------------------------------------------------------------------------------------

void declare_drops(po::options_description& options) {
  options.add_options()("all,a", "reasons that never came too")("shard", value_of<int64_t>("N"),
                                                                "only this shard");
}

constexpr std::array kDropsExamples{Example{"drops", "why packets were dropped, the most frequent first"},
                                    Example{"drops --all", "every reason there is, with its sentence"}};

void run_drops(Call& call) {
  const json reply = call.client.call("drops", params_from(call, Method::Drops));
  if (call.json) return print_json(call, reply);
  call.world.out << drops_text(reply, call.options.count("all") != 0);
}

// ---- conns
// -------------------------------------------------------------------------------------------------

constexpr int64_t kMostRows = 100'000'000;

std::string sort_keys() {
  std::string out;
  for (const SortKey& key : kSortKeys) out += (out.empty() ? "" : ", ") + std::string(key.name);
  return out;
}

void declare_connections(po::options_description& options) {
  options.add_options()("state,s", value_of<std::string>("STATE"), "only this state, as in ESTABLISHED")(
      "port,p", value_of<int64_t>("PORT"), "only this port, at either end")("shard", value_of<int64_t>("N"),
                                                                            "only this shard")(
      "limit,l", value_of<int64_t>("N")->default_value(1000), "rows shown")(
      "sort", value_of<std::string>("KEY"), ("largest first: " + sort_keys()).c_str());
}

constexpr std::array kConnectionsExamples{
    Example{"conns", "connections, with what TCP knows of each"},
    Example{"conns --state established --port 80 --sort rtt --limit 10", "the ten slowest paths to port 80"},
    Example{"conns --json | jq '.rows | length'", "how many"}};

void run_connections(Call& call) {
  const auto limit = static_cast<size_t>(bounded(call, "limit", 1, kMostRows));
  const bool sorted = call.options.count("sort") != 0;
  if (sorted) {
    const auto key = call.options["sort"].as<std::string>();
    if (std::ranges::find(kSortKeys, key, &SortKey::name) == std::end(kSortKeys))
      throw Failure(kUsage, "--sort is one of " + sort_keys() + ".");
  }
  // The largest can be anywhere: sorting needs them all.
  Rows found = collect(call, Method::Connections, "conns", sorted ? static_cast<size_t>(kMostRows) : limit);
  if (sorted) sort_connections(found.rows, call.options["sort"].as<std::string>());
  if (found.rows.size() > limit) {
    found.rows.erase(found.rows.begin() + static_cast<std::ptrdiff_t>(limit), found.rows.end());
    found.more = true;
  }
  if (call.json) return print_json(call, {{"rows", std::move(found.rows)}, {"more", found.more}});
  call.world.out << connections_text(found.rows, found.more);
}

// ---- listeners, neighbors
// ----------------------------------------------------------------------------------

void declare_shard(po::options_description& options) {
  options.add_options()("shard", value_of<int64_t>("N"), "only this shard");
}

constexpr std::array kListenersExamples{Example{"listeners", "services, their backlogs, what they accepted"}};
constexpr std::array kNeighborsExamples{Example{"neighbors", "who answers at which link address"}};

void run_listeners(Call& call) {
  const Rows found = collect(call, Method::Listeners, "listeners", static_cast<size_t>(kMostRows));
  if (call.json) return print_json(call, {{"rows", found.rows}});
  call.world.out << listeners_text(found.rows);
}

void run_neighbors(Call& call) {
  const Rows found = collect(call, Method::Neighbors, "neighbors", static_cast<size_t>(kMostRows));
  if (call.json) return print_json(call, {{"rows", found.rows}});
  call.world.out << neighbors_text(found.rows);
}

// ---- trace
// -------------------------------------------------------------------------------------------------

void declare_trace(po::options_description& options) {
  options.add_options()("last,n", value_of<int64_t>("N")->default_value(1),
                        "connections, those that spoke last")("ascii", "no characters beyond ASCII")(
      "shard", value_of<int64_t>("N"), "only this shard")(
      "limit,l", value_of<int64_t>("N")->default_value(static_cast<int64_t>(kTraceRowsPerReply)),
      "segments looked at");
}

constexpr std::array kTraceExamples{
    Example{"trace", "the last connection's segments as a ladder"},
    Example{"trace --last 3 --ascii", "the last three, for a plain terminal"}};

void run_trace(Call& call) {
  const auto last = static_cast<size_t>(bounded(call, "last", 1, 1'000'000));
  json params = params_from(call, Method::Trace);
  params["limit"] = bounded(call, "limit", 1, static_cast<int64_t>(kTraceRowsPerReply));
  const json reply = call.client.call("trace", params);
  json rows = rows_of_last(reply.at("rows"), last);
  if (call.json) return print_json(call, {{"rows", std::move(rows)}});
  call.world.out << ladders_text(rows, call.options.count("ascii") != 0);
}

// ---- version, drain
// ----------------------------------------------------------------------------------------

void declare_nothing(po::options_description&) {}

constexpr std::array kVersionExamples{Example{"version", "the endpoint's, not millracectl's (--version)"}};
constexpr std::array kDrainExamples{Example{"drain", "the endpoint ends once its connections have"}};

void run_version(Call& call) {
  const json reply = call.client.call("version");
  if (call.json) return print_json(call, reply);
  call.world.out << version_text(reply);
}

void run_drain(Call& call) {
  const json reply = call.client.call("drain");
  if (call.json) return print_json(call, reply);
  call.world.out << "The endpoint takes no new connections and stops when the open ones have ended.\n";
}

constexpr Command kCommands[] = {
    {"stats", Method::Stats, kStatsExamples, declare_stats, run_stats},
    {"drops", Method::Drops, kDropsExamples, declare_drops, run_drops},
    {"conns", Method::Connections, kConnectionsExamples, declare_connections, run_connections},
    {"listeners", Method::Listeners, kListenersExamples, declare_shard, run_listeners},
    {"neighbors", Method::Neighbors, kNeighborsExamples, declare_shard, run_neighbors},
    {"trace", Method::Trace, kTraceExamples, declare_trace, run_trace},
    {"version", Method::Version, kVersionExamples, declare_nothing, run_version},
    {"drain", Method::Drain, kDrainExamples, declare_nothing, run_drain},
};

}  // namespace

std::string_view Command::summary() const {
  return std::ranges::find(kMethods, method, &MethodInfo::method)->doc;
}

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto* found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : found;
}

}  // namespace millrace::control::cli
