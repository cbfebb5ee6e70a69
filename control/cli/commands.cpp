#include "control/cli/commands.h"

#include <algorithm>
#include <array>
#include <boost/program_options/value_semantic.hpp>
#include <string>

#include "control/cli/arguments.h"
#include "control/cli/listing.h"
#include "control/cli/stats.h"
#include "control/cli/top.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;

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

void declare_nothing(po::options_description&) {}

json all_rows(Call& call, Method method) {
  json rows = json::array();
  each_row(call, method, kMostRows, [&](json&& row) { rows.push_back(std::move(row)); });
  return rows;
}

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
  const json rows = all_rows(call, Method::Routes);
  if (call.json) return print_json(call, {{"rows", rows}});
  call.world.out << routes_text(rows);
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
  const json rows = all_rows(call, Method::Listeners);
  if (call.json) return print_json(call, {{"rows", rows}});
  call.world.out << listeners_text(rows);
  return kOk;
}

int run_neighbors(Call& call) {
  const json rows = all_rows(call, Method::Neighbors);
  if (call.json) return print_json(call, {{"rows", rows}});
  call.world.out << neighbors_text(rows);
  return kOk;
}

constexpr std::array kAddressesExamples{Example{"addresses", "are they in use, or does another host have them"}};

int run_addresses(Call& call) {
  const json rows = all_rows(call, Method::Addresses);
  if (call.json) return print_json(call, {{"rows", rows}});
  call.world.out << addresses_text(rows);
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
