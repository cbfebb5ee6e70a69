#include "control/socket/handlers.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "config/text.h"
#include "control/socket/counters_json.h"
#include "control/socket/filter.h"
#include "control/socket/one_job.h"
#include "control/socket/paging.h"
#include "control/socket/trace_job.h"
#include "shard/shard.h"

namespace millrace::control {

namespace {

struct ShardRange {
  unsigned begin = 0;
  unsigned end = 0;
};

// The shard that `params` names, or all.
std::variant<ShardRange, Error> shards_of(const json& params, EndpointView& view) {
  const auto count = static_cast<unsigned>(view.counters().size());
  if (!params.contains("shard")) return ShardRange{0, count};
  const auto shard = params["shard"].get<unsigned>();
  if (shard < count) return ShardRange{shard, shard + 1};
  return Error{ErrorCode::BadParams, "There is no shard " + std::to_string(shard) + ": there are " +
                                         std::to_string(count) + ", numbered from 0."};
}

template <typename Row>
Answer page(const json& params, ShardRange shards, typename PagingJob<Row>::Copy copy,
            typename PagingJob<Row>::Filter filter = nullptr) {
  Position from{shards.begin, 0};
  if (params.contains("cursor")) {
    const auto given = Position::parse(params["cursor"].get_ref<const std::string&>());
    if (!given || given->shard < shards.begin || given->shard >= shards.end)
      return Error{ErrorCode::BadParams, "'cursor' is not the `next` of a reply to the same request."};
    from = *given;
  }
  const auto limit = params.value("limit", kRowsPerReply);
  return std::make_unique<PagingJob<Row>>(from, shards.end, limit, std::move(copy), std::move(filter));
}

// A slice of a table that the shard hands over whole.
template <typename Row>
uint64_t slice(std::vector<Row> table, uint64_t cursor, size_t limit, std::vector<Row>& out) {
  const size_t begin = std::min<uint64_t>(cursor, table.size());
  const size_t end = std::min(begin + limit, table.size());
  for (size_t i = begin; i < end; ++i) out.push_back(std::move(table[i]));
  return end < table.size() ? end : 0;
}

Answer connections(const json& params, ShardRange shards) {
  PagingJob<shard::ConnectionRow>::Filter filter;
  ConnectionFilter wanted;
  if (params.contains("filter")) {
    auto parsed = parse_filter(params["filter"].get_ref<const std::string&>());
    if (const auto* sentence = std::get_if<std::string>(&parsed))
      return Error{ErrorCode::BadParams, *sentence};
    filter = wanted = std::get<ConnectionFilter>(std::move(parsed));
  }
  if (params.contains("state") || params.contains("port")) {
    std::optional<std::string_view> state;
    if (params.contains("state")) state = canonical_state(params["state"].get_ref<const std::string&>());
    filter = [state, port = params.value("port", 0), wanted](const shard::ConnectionRow& row) {
      return (!wanted || wanted(row)) && (!state || tcp::name_of(row.state) == *state) &&
             (port == 0 || row.flow.local.port == port || row.flow.remote.port == port);
    };
  }
  const auto copy = [](shard::Shard& shard, uint64_t cursor, size_t limit, auto& out) {
    return shard.copy_connections(cursor, limit, out);
  };
  return page<shard::ConnectionRow>(params, shards, copy, std::move(filter));
}

Answer listeners(const json& params, ShardRange shards) {
  return page<shard::ListenerRow>(params, shards,
                                  [](shard::Shard& shard, uint64_t cursor, size_t limit, auto& out) {
                                    return slice(shard.listeners(), cursor, limit, out);
                                  });
}

Answer neighbors(const json& params, ShardRange shards) {
  return page<ip::NeighborRow>(params, shards,
                               [](shard::Shard& shard, uint64_t cursor, size_t limit, auto& out) {
                                 return slice(shard.neighbors(), cursor, limit, out);
                               });
}

// One shard asks the link for all of them, and tells the others.
Answer addresses(const json& params) {
  return page<ip::AddressRow>(params, {0, 1},
                              [](shard::Shard& shard, uint64_t cursor, size_t limit, auto& out) {
                                return slice(shard.addresses(), cursor, limit, out);
                              });
}

// Every shard hears what routers say.
Answer routes(const json& params) {
  return page<ip::RouteRow>(params, {0, 1}, [](shard::Shard& shard, uint64_t cursor, size_t limit, auto& out) {
    return slice(shard.routes(), cursor, limit, out);
  });
}

// rte_version() says "DPDK 22.11.11"; the name stands in the key already.
std::string without_name(std::string version) {
  constexpr std::string_view kName = "DPDK ";
  return version.starts_with(kName) ? version.substr(kName.size()) : version;
}

Result version_of(EndpointView& view) {
  const EndpointInfo info = view.info();
  json ports = json::array(), services = json::array();
  for (const PortInfo& port : info.ports) {
    ports.push_back({{"name", port.name},
                     {"device", port.device},
                     {"driver", port.driver},
                     {"mac", port.mac},
                     {"mtu_bytes", port.mtu_bytes},
                     {"queues", port.queues}});
  }
  for (const ServiceInfo& service : info.services)
    services.push_back({{"name", service.name}, {"kind", service.kind}, {"listen", service.listen}});
  return {{{"version", version()},
           {"protocol", kProtocol},
           {"dpdk", without_name(info.dpdk_version)},
           {"pid", getpid()},
           {"uptime_us", std::chrono::duration_cast<std::chrono::microseconds>(info.uptime).count()},
           {"draining", info.draining},
           {"config", info.config_file},
           {"shards", view.counters().size()},
           {"addresses", info.addresses},
           {"ports", std::move(ports)},
           {"services", std::move(services)}}};
}

std::variant<ConnectionId, Error> id_of(const json& params, EndpointView& view) {
  const auto id = ConnectionId::parse(params["id"].get_ref<const std::string&>());
  if (id && id->shard < view.counters().size()) return *id;
  return Error{ErrorCode::BadParams, "'id' is no id of a row of 'conns', such as 0-4294967296."};
}

Answer connection(const json& params, EndpointView& view) {
  const auto id = id_of(params, view);
  if (const auto* error = std::get_if<Error>(&id)) return *error;
  return std::make_unique<OneConnectionJob>(std::get<ConnectionId>(id), std::nullopt);
}

Answer kill(const json& params, EndpointView& view) {
  const auto id = id_of(params, view);
  if (const auto* error = std::get_if<Error>(&id)) return *error;
  const auto local = IpAddress::parse(params["local_address"].get_ref<const std::string&>());
  const auto remote = IpAddress::parse(params["remote_address"].get_ref<const std::string&>());
  if (!local || !remote) return Error{ErrorCode::BadParams, "An address is not one of IPv4 or IPv6."};
  const wire::FlowAddress flow{.local = {*local, params["local_port"].get<uint16_t>()},
                               .remote = {*remote, params["remote_port"].get<uint16_t>()}};
  return std::make_unique<OneConnectionJob>(std::get<ConnectionId>(id), flow);
}

Result ports_of(const EndpointView& view) {
  uint64_t predicted = 0, unpredicted = 0, full = 0;
  Distribution bursts;
  for (const Counters* counters : view.counters()) {
    predicted += counters->steering_predicted.value();
    unpredicted += counters->steering_unpredicted.value();
    full += counters->rx_full_bursts.value();
    bursts.add(counters->rx_burst);
  }
  json rows = json::array();
  for (const PortInfo& port : view.info().ports) {
    json row{{"name", port.name},
                    {"device", port.device},
                    {"driver", port.driver},
                    {"mac", port.mac},
                    {"mtu_bytes", port.mtu_bytes},
                    {"link_up", port.link_up},
                    {"queues", port.queues},
                    {"rx_descriptors", port.rx_descriptors},
                    {"tx_descriptors", port.tx_descriptors},
                    {"tcp_checksum", port.checksum},
                    {"offloads", port.offloads},
                    {"rss", port.rss},
                    {"rss_predicted", predicted},
                    {"rss_unpredicted", unpredicted},
                    {"rx_bursts", bursts.count},
                    {"rx_full_bursts", full}};
    for (const PortCounterInfo& counter : kPortCounterInfos)
      row["device_" + std::string(counter.name)] = port.*counter.member;
    rows.push_back(std::move(row));
  }
  return {{{"rows", std::move(rows)}}};
}

// `tcp` and `tcp.` are all keys of the section.
Answer config_of(const json& params, const EndpointView& view) {
  const std::string wanted = params.value("key", std::string());
  const std::string section = wanted.ends_with('.') ? wanted : wanted + '.';
  json rows = json::array();
  std::vector<std::string> known;
  for (const ConfigValue& value : view.config()) {
    known.push_back(value.key);
    if (!wanted.empty() && value.key != wanted && !value.key.starts_with(section)) continue;
    rows.push_back(
        {{"key", value.key}, {"value", value.value}, {"origin", value.origin}, {"live", value.live}});
  }
  if (rows.empty() && !wanted.empty())
    return Error{ErrorCode::NotFound, "No key " + config::quoted(wanted) + " is set or has a default." +
                                          suggestion(wanted, std::move(known))};
  return Result{{{"rows", std::move(rows)}}};
}

Answer change(EndpointView& view, ChangeRequest request) {
  auto ticket = view.request_change(std::move(request));
  if (ticket == nullptr)
    return Error{ErrorCode::Busy,
                 "The endpoint takes no changes now: it is starting or stopping, or too "
                 "many wait already."};
  return std::make_unique<ChangeJob>(std::move(ticket));
}

Error unknown_method(const std::string& given) {
  std::vector<std::string> known;
  for (const MethodInfo& method : kMethods) known.emplace_back(method.name);
  std::string hint = suggestion(given, std::move(known));
  if (hint.empty()) hint = " The method 'help' lists them.";
  return {ErrorCode::UnknownMethod, "There is no method " + config::quoted(given) + "." + hint};
}

// A method without a handler does not compile (-Wswitch).
Answer dispatch(Method method, const json& params, ShardRange shards, EndpointView& view) {
  const auto chosen = view.counters().subspan(shards.begin, shards.end - shards.begin);
  switch (method) {
    case Method::Stats:
      return Result{stats_json(chosen, shards.begin, view.info().ports)};
    case Method::Drops:
      return Result{drops_json(chosen)};
    case Method::Connections:
      return connections(params, shards);
    case Method::Connection:
      return connection(params, view);
    case Method::Kill:
      return kill(params, view);
    case Method::Routes:
      return routes(params);
    case Method::Ports:
      return ports_of(view);
    case Method::Config:
      return config_of(params, view);
    case Method::Set:
      return change(view, {ChangeRequest::Kind::Set, false, params["key"].get<std::string>(),
                           params["value"].get<std::string>()});
    case Method::Reload:
      return change(view, {ChangeRequest::Kind::Reload, params.value("check", false), {}, {}});
    case Method::Listeners:
      return listeners(params, shards);
    case Method::Neighbors:
      return neighbors(params, shards);
    case Method::Addresses:
      return addresses(params);
    case Method::Trace:
      return std::make_unique<TraceJob>(shards.begin, shards.end, params.value("limit", kTraceRowsPerReply));
    case Method::Version:
      return version_of(view);
    case Method::Drain:
      view.request_drain();
      return Result{{{"draining", true}}};
    case Method::Help:
      return Result{{{"methods", methods_as_json()}}};
  }
  return Error{ErrorCode::UnknownMethod, "The method has no handler."};
}

}  // namespace

Error mailbox_refused(unsigned shard) {
  return {ErrorCode::Busy, "Shard " + std::to_string(shard) +
                               " takes no more questions: its lcore has stopped, or too many wait already."};
}

Answer answer(const Request& request, EndpointView& view) {
  const MethodInfo* method = find_method(request.method);
  if (method == nullptr) return unknown_method(request.method);
  if (auto error = check_params(*method, request.params)) return std::move(*error);
  auto shards = shards_of(request.params, view);
  if (auto* error = std::get_if<Error>(&shards)) return std::move(*error);
  return dispatch(method->method, request.params, std::get<ShardRange>(shards), view);
}

}  // namespace millrace::control
