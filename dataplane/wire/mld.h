// Multicast listener discovery: the reports that a host sends and the query that it answers, of version 2
// (RFC 3810) and 1 (RFC 2710). Switches that snoop (RFC 4541) bring neighbour solicitations only to those who
// have reported their groups. Neighbours: icmp.h; ip/multicast.h for when.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/address.h"
#include "base/packet.h"
#include "base/time.h"
#include "wire/build.h"
#include "wire/parse.h"

namespace millrace::wire {

// RFC 3810 §5.2.12, of no source: what a record says of its group.
enum class MldRecord : uint8_t {
  IsExclude = 2,   // we listen
  ToInclude = 3,   // not any longer
  ToExclude = 4,   // from now on
};

struct MldGroup {
  MldRecord record = MldRecord::IsExclude;
  IpAddress group;
};
// Records of one report: it fits into what every link carries (RFC 3810 §5.2.15).
inline constexpr size_t kMldRecords = 60;

// `source` is link-local, or unspecified while there is no such address (RFC 3590 §4). False: no room, or too
// many records.
bool build_mld_report(Packet& packet, const MacAddress& from, const IpAddress& source,
                      std::span<const MldGroup> groups);
// Version 1 has a message a group: a report to the group itself, or Done to all routers (RFC 2710 §3).
bool build_mld1_report(Packet& packet, const MacAddress& from, const IpAddress& source, const MldGroup& group);

struct MldQuery {
  uint8_t version = 2;
  IpAddress group;  // unspecified: all groups are asked for
  Micros max_response{};
};
// A query that passes the tests of RFC 3810 §5.1.14, §6.2 and §8.1. None: no query, or not a good one.
std::optional<MldQuery> parse_mld_query(const Frame& frame);

}  // namespace millrace::wire
