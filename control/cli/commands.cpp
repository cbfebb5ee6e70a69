#include "control/cli/commands.h"

#include <algorithm>
#include <array>
#include <boost/program_options/value_semantic.hpp>
#include <string>

#include "control/cli/top.h"
#include "control/cli/views.h"
#include "control/socket/filter.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;

template <typename T>
po::typed_value<T>* value_of(const char* name) {
  return po::value<T>()->value_name(name);
}

int print_json(Call& call, const json& value, int indent = 2) {
  call.world.out << value.dump(indent, ' ', false, json::error_handler_t::replace) << '\n';
  return kOk;
}

// The options given, under the names and with the types that the method declares.
json params_from(const Call& call, Method method) {
  json params = json::object();
  const auto* info = std::ranges::find(kMethods, method, &MethodInfo::method);
  for (const Param& param : info->params) {
    const std::string name(param.name);
    if (name == "limit" || name == "cursor" || call.options.count(name) == 0) continue;
    if (param.type == ParamType::Boolean) {
      params[name] = true;
    } else if (param.type == ParamType::Integer) {
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
      "histograms", "round trips, handshakes, bursts and loop times: how they are spread")(
      "shard", value_of<int64_t>("N"), "only this shard")(
      "watch,w", "again and again, with changes and rates")("interval,i",
                                                            value_of<double>("S")->default_value(1.0, "1"),
                                                            "seconds between two looks (0.1 to 3600)")(
      "count,n", value_of<int64_t>("N"), "end after so many looks");
}

constexpr std::array kStatsExamples{Example{"stats", "what is not zero"},
                                    Example{"stats --watch -i 2", "changes and rates, every two seconds"},
                                    Example{"stats --histograms", "percentiles of round trips and of the loop"},
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
  call.world.out << (call.options.count("histograms") != 0 ? histograms_text(reply, style)
                                                           : stats_text(reply, before, style));
}

int run_stats(Call& call) {
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
    if (!watching || look == looks || !call.world.out) return kOk;
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

int run_drops(Call& call) {
  const json reply = call.client.call("drops", params_from(call, Method::Drops));
  if (call.json) return print_json(call, reply);
  call.world.out << drops_text(reply, call.options.count("all") != 0);
  return kOk;
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
      "port,p", value_of<int64_t>("PORT"), "only this port, at either end")(
      "filter,f", value_of<std::string>("EXPR"),
      ("only where this holds, as in 'state = established and rtt > 10ms'; FIELD OP VALUE with and, or, not "
       "and parentheses; fields: " +
       filter_fields())
          .c_str())("shard", value_of<int64_t>("N"), "only this shard")(
      "limit,l", value_of<int64_t>("N")->default_value(1000), "rows shown")(
      "sort", value_of<std::string>("COLUMN"), ("largest first: " + sort_keys()).c_str());
}

constexpr std::array kConnectionsExamples{
    Example{"conns", "connections, with what TCP knows of each"},
    Example{"conns --state established --port 80 --sort rtt --limit 10", "the ten slowest paths to port 80"},
    Example{"conns --filter 'retrans > 0 and not remote = 10.0.0.0/8'", "who loses segments, from elsewhere"},
    Example{"conns --json | jq '.rows | length'", "how many"}};

int run_connections(Call& call) {
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
  return kOk;
}

void declare_nothing(po::options_description&) {}

// ---- conn, kill
// -----------------------------------------------------------------------------------------------------------

void need_word(const Call& call) {
  if (call.words.empty()) throw Failure(kUsage, "A word is missing: --help shows what is expected.");
}

constexpr std::array kConnectionExamples{Example{"conn 0-4294967296", "by the ID that `conns` shows"}};
constexpr std::array kKillExamples{
    Example{"kill 0-4294967296", "the peer gets a RST, our application is told"}};

int run_connection(Call& call) {
  need_word(call);
  const json reply = call.client.call("conn", {{"id", call.words[0]}});
  if (call.json) return print_json(call, reply);
  call.world.out << connection_text(reply.at("connection"));
  return kOk;
}

// Named by its addresses too, so that no other one is hit that has got the id since.
int run_kill(Call& call) {
  need_word(call);
  const json found = call.client.call("conn", {{"id", call.words[0]}}).at("connection");
  json params{{"id", call.words[0]}};
  for (const char* field : {"local_address", "local_port", "remote_address", "remote_port"})
    params[field] = found.at(field);
  const json reply = call.client.call("kill", params);
  if (call.json) return print_json(call, reply);
  call.world.out << "Reset: " << connection_title(found) << '\n';
  return kOk;
}

// ---- config, log, reload
// -----------------------------------------------------------------------------------------------------------

constexpr std::array kConfigExamples{Example{"config get", "every key, its value, and where that came from"},
                                     Example{"config get tcp.msl", "one key; `tcp` is all of a section"},
                                     Example{"config set tcp.msl 5s", "until the next reload or restart"}};
constexpr std::array kLogExamples{Example{"log debug", "error, warning, info or debug"}};
constexpr std::array kReloadExamples{
    Example{"reload", "what SIGHUP does too, with an answer"},
    Example{"reload --check", "what would change, and whether the file is good"}};

// Exit code 1 when the endpoint has refused.
int show_change(Call& call, const json& reply, bool check) {
  const bool refused = !reply.at("problems").empty();
  if (call.json) {
    print_json(call, reply);
  } else {
    (refused ? call.world.err : call.world.out) << change_text(reply, check);
  }
  return refused ? kEndpointError : kOk;
}

int run_config(Call& call) {
  const std::string verb = call.words.empty() ? "get" : call.words[0];
  if (verb == "set") {
    if (call.words.size() != 3) throw Failure(kUsage, "config set takes a KEY and a VALUE.");
    return show_change(call, call.client.call("set", {{"key", call.words[1]}, {"value", call.words[2]}}),
                       false);
  }
  if (verb != "get" || call.words.size() > 2)
    throw Failure(kUsage, "config takes `get`, `get KEY` or `set KEY VALUE`.");
  json params = json::object();
  if (call.words.size() == 2) params["key"] = call.words[1];
  const json reply = call.client.call("config", params);
  if (call.json) return print_json(call, reply);
  call.world.out << config_text(reply.at("rows"));
  return kOk;
}

int run_log(Call& call) {
  need_word(call);
  const std::string level =
      call.words[0] == "level" && call.words.size() == 2 ? call.words[1] : call.words[0];
  return show_change(call, call.client.call("set", {{"key", "control.log_level"}, {"value", level}}), false);
}

void declare_reload(po::options_description& options) {
  options.add_options()("check", "say what would change, and change nothing");
}

int run_reload(Call& call) {
  const json params = params_from(call, Method::Reload);
  return show_change(call, call.client.call("reload", params), params.contains("check"));
}

// ---- routes, ports
// -----------------------------------------------------------------------------------------------------------

constexpr std::array kRoutesExamples{Example{"routes", "the prefixes on the link, and gateways"}};
constexpr std::array kPortsExamples{Example{"ports", "is the link up, what does the device do for us"}};

int run_routes(Call& call) {
  const Rows found = collect(call, Method::Routes, "routes", static_cast<size_t>(kMostRows));
  if (call.json) return print_json(call, {{"rows", found.rows}});
  call.world.out << routes_text(found.rows);
  return kOk;
}

int run_ports(Call& call) {
  const json reply = call.client.call("ports");
  if (call.json) return print_json(call, reply);
  call.world.out << ports_text(reply.at("rows"));
  return kOk;
}

// ---- listeners, neighbors
// ----------------------------------------------------------------------------------

void declare_shard(po::options_description& options) {
  options.add_options()("shard", value_of<int64_t>("N"), "only this shard");
}

constexpr std::array kListenersExamples{Example{"listeners", "services, their backlogs, what they accepted"}};
constexpr std::array kNeighborsExamples{Example{"neighbors", "who answers at which link address"}};

int run_listeners(Call& call) {
  const Rows found = collect(call, Method::Listeners, "listeners", static_cast<size_t>(kMostRows));
  if (call.json) return print_json(call, {{"rows", found.rows}});
  call.world.out << listeners_text(found.rows);
  return kOk;
}

int run_neighbors(Call& call) {
  const Rows found = collect(call, Method::Neighbors, "neighbors", static_cast<size_t>(kMostRows));
  if (call.json) return print_json(call, {{"rows", found.rows}});
  call.world.out << neighbors_text(found.rows);
  return kOk;
}

constexpr std::array kAddressesExamples{Example{"addresses", "are they in use, or does another host have them"}};

int run_addresses(Call& call) {
  const Rows found = collect(call, Method::Addresses, "addresses", static_cast<size_t>(kMostRows));
  if (call.json) return print_json(call, {{"rows", found.rows}});
  call.world.out << addresses_text(found.rows);
  return kOk;
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

int run_trace(Call& call) {
  const auto last = static_cast<size_t>(bounded(call, "last", 1, 1'000'000));
  json params = params_from(call, Method::Trace);
  params["limit"] = bounded(call, "limit", 1, static_cast<int64_t>(kTraceRowsPerReply));
  const json reply = call.client.call("trace", params);
  json rows = rows_of_last(reply.at("rows"), last);
  if (call.json) return print_json(call, {{"rows", std::move(rows)}});
  call.world.out << ladders_text(rows, call.options.count("ascii") != 0);
  return kOk;
}

// ---- version, drain
// ----------------------------------------------------------------------------------------

constexpr std::array kVersionExamples{Example{"version", "the endpoint's, not millracectl's (--version)"}};
constexpr std::array kDrainExamples{Example{"drain", "the endpoint ends once its connections have"}};

int run_version(Call& call) {
  const json reply = call.client.call("version");
  if (call.json) return print_json(call, reply);
  call.world.out << version_text(reply);
  return kOk;
}

int run_drain(Call& call) {
  const json reply = call.client.call("drain");
  if (call.json) return print_json(call, reply);
  call.world.out << "The endpoint takes no new connections and stops when the open ones have ended.\n";
  return kOk;
}

constexpr std::array kTopExamples{
    Example{"top", "a live view; q ends it, s sorts connections by another column"},
    Example{"top --once --sort rtt", "one look as text"},
    Example{"top --json --count 60 -i 1", "a line a second for a minute, for programs"}};

constexpr Command kCommands[] = {
    {"stats", Method::Stats, kStatsExamples, declare_stats, run_stats},
    {"top",
     Method::Stats,
     kTopExamples,
     declare_top,
     run_top,
     {},
     0,
     "What happens now: rates, how busy each lcore is, the connections that matter, drops."},
    {"drops", Method::Drops, kDropsExamples, declare_drops, run_drops},
    {"conns", Method::Connections, kConnectionsExamples, declare_connections, run_connections},
    {"conn", Method::Connection, kConnectionExamples, declare_nothing, run_connection, "ID", 1},
    {"kill", Method::Kill, kKillExamples, declare_nothing, run_kill, "ID", 1},
    {"listeners", Method::Listeners, kListenersExamples, declare_shard, run_listeners},
    {"neighbors", Method::Neighbors, kNeighborsExamples, declare_shard, run_neighbors},
    {"addresses", Method::Addresses, kAddressesExamples, declare_nothing, run_addresses},
    {"routes", Method::Routes, kRoutesExamples, declare_nothing, run_routes},
    {"ports", Method::Ports, kPortsExamples, declare_nothing, run_ports},
    {"trace", Method::Trace, kTraceExamples, declare_trace, run_trace},
    {"config", Method::Config, kConfigExamples, declare_nothing, run_config, "[get [KEY] | set KEY VALUE]",
     3},
    {"log", Method::Set, kLogExamples, declare_nothing, run_log, "LEVEL", 2,
     "Changes the log level until the next reload or restart."},
    {"reload", Method::Reload, kReloadExamples, declare_reload, run_reload},
    {"version", Method::Version, kVersionExamples, declare_nothing, run_version},
    {"drain", Method::Drain, kDrainExamples, declare_nothing, run_drain},
};

}  // namespace

std::string_view Command::summary() const {
  if (!about.empty()) return about;
  return std::ranges::find(kMethods, method, &MethodInfo::method)->doc;
}

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto* found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : found;
}

}  // namespace millrace::control::cli
