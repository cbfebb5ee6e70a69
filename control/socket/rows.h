// Rows of a shard as JSON and, for segments, back again: millracectl draws its ladders from them. The unit
// stands in the name of a field.
#pragma once

#include <optional>

#include "control/socket/protocol.h"
#include "ip/host.h"
#include "shard/rows.h"

namespace millrace::control {

json as_json(unsigned shard, const shard::ConnectionRow& row);
json as_json(unsigned shard, const shard::ConnectionDetail& detail);
json as_json(unsigned shard, const shard::ListenerRow& row);
json as_json(unsigned shard, const ip::NeighborRow& row);
json as_json(unsigned shard, const ip::AddressRow& row);
json as_json(unsigned shard, const ip::RouteRow& row);
json as_json(unsigned shard, const shard::TraceRow& row);

// Nothing: it is no such row (another version's, or damaged).
std::optional<shard::TraceRow> trace_row(const json& row);

// "SYN,ACK"; "none" without any.
std::string flags_text(wire::Flags flags);

}  // namespace millrace::control
