// Everything that can be asked over the control socket, declared once: validation, the method `help` and
// `millracectl help` read this table; handlers.h answers it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/socket/protocol.h"

namespace millrace::control {

enum class Method : uint8_t {
  Stats,
  Drops,
  Connections,
  Connection,
  Kill,
  Listeners,
  Neighbors,
  Addresses,
  Routes,
  Ports,
  Trace,
  Config,
  Set,
  Reload,
  Version,
  Drain,
  Help
};

enum class ParamType : uint8_t {
  Integer,  // between min and max
  Text,     // between min and max octets
  Boolean,
  State,  // the name of a TCP state as RFC 9293 writes it, in any case
};

struct Param {
  std::string_view name;
  ParamType type;
  int64_t min;
  int64_t max;
  std::string_view doc;
  bool required = false;
};

struct Field {
  std::string_view name;
  std::string_view doc;
};

struct MethodInfo {
  Method method;
  std::string_view name;
  std::string_view doc;
  std::span<const Param> params;
  std::span<const Field> reply;
  bool changes = false;  // does something to the endpoint: who asked is logged
};

// Rows that an lcore copies in one visit, and that one reply holds: what bounds the lcore's time and ours.
inline constexpr size_t kRowsPerVisit = 64;
inline constexpr size_t kRowsPerReply = 256;
inline constexpr size_t kTraceRowsPerReply = 1024;
inline constexpr size_t kVisitsPerReply = 64;

namespace methods {

inline constexpr Param kShard{"shard", ParamType::Integer, 0, 1023,
                              "Only this shard; without it all of them."};
inline constexpr Param kLimit{"limit", ParamType::Integer, 1, static_cast<int64_t>(kRowsPerReply),
                              "Rows in one reply."};
inline constexpr Param kCursor{"cursor", ParamType::Text, 1, 64,
                               "`next` of the reply before: goes on there."};
inline constexpr Field kNext{
    "next", "The cursor to go on with; null: there are no more. Rows may be fewer than `limit`."};

inline constexpr std::array kStatsParams{kShard};
inline constexpr std::array kStatsReply{
    Field{"at_us", "When the counters were read, on a clock that only runs forward."},
    Field{"total", "Sums over the shards shown: counters, gauges, drops, each name to its value; histograms, each to count, "
                   "sum and buckets (le: at most so much, null: more than any bound; count: so many)."},
    Field{"shards", "The same for each, with its number in `shard`."},
    Field{"services", "A row a service, its name in `service` (empty: connections that we opened): counters and gauges, in "
                      "all and for each of `shards`."},
    Field{"ports", "A row a port, its name in `port`: what its device counts, as read at `at_us`, about once a second; drops, "
                   "where there is no other port."}};

inline constexpr std::array kDropsParams{kShard};
inline constexpr std::array kDropsReply{Field{
    "reasons", "Every reason, also those that never came: name, sentence, total, shards (one a shard)."}};

inline constexpr std::array kConnectionsParams{
    kShard,
    Param{"state", ParamType::State, 0, 16, "Only connections in this state."},
    Param{"port", ParamType::Integer, 1, 65535, "Only connections with this port at either end."},
    Param{"filter", ParamType::Text, 1, 1024,
          "Only connections for which this holds, as in `state = established and rtt > 10ms` (filter.h)."},
    kLimit,
    kCursor};
inline constexpr std::array kConnectionsReply{Field{"rows", "Connections, consistent a row."}, kNext};

inline constexpr Param kId{"id", ParamType::Text, 3, 40, "`id` of a row of conns: SHARD-NUMBER.", true};
inline constexpr std::array kConnectionParams{kId};
inline constexpr std::array kConnectionReply{
    Field{"connection",
          "The fields of a row of conns and what they leave out: sequence numbers, buffers, "
          "timers."}};
inline constexpr std::array kKillParams{
    kId,
    Param{"local_address", ParamType::Text, 2, 45,
          "An id is used again: only if the connection is still this one.", true},
    Param{"local_port", ParamType::Integer, 1, 65535, "Likewise.", true},
    Param{"remote_address", ParamType::Text, 2, 45, "Likewise.", true},
    Param{"remote_port", ParamType::Integer, 1, 65535, "Likewise.", true}};
inline constexpr std::array kKillReply{Field{"killed", "true: the connection was there and has been reset."}};

inline constexpr std::array kRoutesParams{kLimit, kCursor};
inline constexpr std::array kRoutesReply{
    Field{"rows",
          "destination, gateway (null: on the link), origin: config, or router (RFC 4861) for what counts where "
          "no configured route leads; the longest prefix decides. Of a router also preference, state (in_use, "
          "standby, unreachable), lifetime_us (null: without end)."},
    kNext};
inline constexpr std::array kPortsReply{
    Field{"rows",
          "Name, device, driver, link, MTU, queues, offloads in use, the device's own counters, and "
          "how often RSS brought a flow's first packet where it was predicted, and how many looks at a receive queue "
          "brought as much as one takes (rx_full_bursts of rx_bursts)."}};

inline constexpr std::array kConfigParams{
    Param{"key", ParamType::Text, 1, 128, "Only this key or the keys of this section: tcp.msl, tcp."}};
inline constexpr std::array kConfigReply{
    Field{"rows", "key, value, origin, and whether a change needs no restart (live)."}};
inline constexpr std::array kSetParams{
    Param{"key", ParamType::Text, 1, 128, "A key whose changes need no restart.", true},
    Param{"value", ParamType::Text, 0, 1024, "As a file would say it.", true}};
inline constexpr std::array kReloadParams{
    Param{"check", ParamType::Boolean, 0, 0, "Says what would change, and changes nothing."}};
inline constexpr std::array kChangeReply{
    Field{"problems", "A sentence each; not empty: nothing has changed."},
    Field{"applied", "key, before, after of each change that every shard has taken."},
    Field{"restart", "The same for what is otherwise in the file and needs a restart."}};

inline constexpr std::array kListenersParams{kShard, kLimit, kCursor};
inline constexpr std::array kListenersReply{Field{"rows", "Listeners, one row a shard."}, kNext};

inline constexpr std::array kNeighborsParams{kShard, kLimit, kCursor};
inline constexpr std::array kNeighborsReply{Field{"rows", "Neighbour entries, one row a shard."}, kNext};

inline constexpr std::array kAddressesParams{kLimit, kCursor};
inline constexpr std::array kAddressesReply{
    Field{"rows",
          "address, prefix_length, state: tentative (the link is being asked for it), preferred (in use), "
          "duplicate (another host has it, and it is not used)."},
    kNext};

inline constexpr std::array kTraceParams{
    kShard, Param{"limit", ParamType::Integer, 1, static_cast<int64_t>(kTraceRowsPerReply),
                  "The newest segments of each shard; all shards share the bound of one reply."}};
inline constexpr std::array kTraceReply{Field{"rows", "Segments seen and sent, oldest first."}};

inline constexpr std::array kVersionReply{Field{"version", "Of Millrace."},
                                          Field{"protocol", "Of the control socket."},
                                          Field{"dpdk", "Version; empty without."},
                                          Field{"pid", "Of the endpoint."},
                                          Field{"uptime_us", "Since start."},
                                          Field{"draining", "Whether it is stopping."},
                                          Field{"config", "The file that it read; empty: none."},
                                          Field{"shards", "How many."},
                                          Field{"addresses", "With prefix lengths."},
                                          Field{"ports", "Name, device, driver, mac, mtu_bytes, queues."},
                                          Field{"services", "Name, kind, listen."}};

inline constexpr std::array kDrainReply{Field{"draining", "true."}};

inline constexpr std::array kHelpReply{Field{"methods", "Name, doc, params and reply of each."}};

}  // namespace methods

inline constexpr std::array kMethods{
    MethodInfo{Method::Stats, "stats", "Counters, gauges and histograms of every shard, service and port; never waits for an lcore.",
               methods::kStatsParams, methods::kStatsReply},
    MethodInfo{Method::Drops, "drops", "Every reason for which a packet is dropped, with its count.",
               methods::kDropsParams, methods::kDropsReply},
    MethodInfo{Method::Connections, "conns", "Connections, a page at a time.", methods::kConnectionsParams,
               methods::kConnectionsReply},
    MethodInfo{Method::Connection, "conn", "Everything about one connection.", methods::kConnectionParams,
               methods::kConnectionReply},
    MethodInfo{Method::Kill, "kill", "Resets one connection.", methods::kKillParams, methods::kKillReply,
               true},
    MethodInfo{Method::Listeners, "listeners", "What the services listen on.", methods::kListenersParams,
               methods::kListenersReply},
    MethodInfo{Method::Neighbors, "neighbors", "Link addresses of neighbours (ARP and ND).",
               methods::kNeighborsParams, methods::kNeighborsReply},
    MethodInfo{Method::Addresses, "addresses", "The endpoint's own addresses, and whether they are in use.",
               methods::kAddressesParams, methods::kAddressesReply},
    MethodInfo{Method::Routes, "routes", "Where packets to a destination go.", methods::kRoutesParams,
               methods::kRoutesReply},
    MethodInfo{Method::Ports,
               "ports",
               "Ports: link, offloads, RSS, what the device counts.",
               {},
               methods::kPortsReply},
    MethodInfo{Method::Trace, "trace", "The last segments seen and sent, from the flight recorder.",
               methods::kTraceParams, methods::kTraceReply},
    MethodInfo{Method::Config, "config", "The configuration in force, and where each value came from.",
               methods::kConfigParams, methods::kConfigReply},
    MethodInfo{Method::Set, "set", "Changes one key until the next reload or restart.", methods::kSetParams,
               methods::kChangeReply, true},
    MethodInfo{Method::Reload, "reload",
               "Reads the configuration file again: checks it whole, then switches every shard.",
               methods::kReloadParams, methods::kChangeReply, true},
    MethodInfo{Method::Version,
               "version",
               "What runs: version, addresses, ports, services.",
               {},
               methods::kVersionReply},
    MethodInfo{Method::Drain,
               "drain",
               "Takes no new connections, lets the open ones finish, then stops.",
               {},
               methods::kDrainReply,
               true},
    MethodInfo{Method::Help, "help", "This table.", {}, methods::kHelpReply},
};

const MethodInfo* find_method(std::string_view name);

// What is wrong with `params` (an object), if anything: unknown names, wrong types, values out of bounds.
std::optional<Error> check_params(const MethodInfo& method, const json& params);

// " Did you mean 'x'?", or nothing when no known word is near.
std::string suggestion(std::string_view given, std::vector<std::string> known);

// "an integer from 1 to 65535"
std::string describe(const Param& param);

// "SYN-SENT" for "syn-sent", "Syn_Sent"; nothing: no state of that name.
std::optional<std::string_view> canonical_state(std::string_view text);

// The table as the method `help` answers it.
json methods_as_json();

}  // namespace millrace::control
