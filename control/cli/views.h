// Replies of the endpoint as text for people. Pure: JSON in, text out.
#pragma once

#include <string>

#include "control/cli/stats_rows.h"
#include "control/socket/protocol.h"

namespace millrace::control::cli {

struct StatsStyle {
  bool all = false;        // zeros too
  bool per_shard = false;  // a column a shard beside the total
  const StatsBy* by = nullptr;  // lines for each shard, service or port; null: for all together
};
// `before` is an earlier reply, for a column of rates; null: none.
std::string stats_text(const json& reply, const json& before, const StatsStyle& style);
// Of `stats` too: how values are spread, in all and, if wanted, a shard.
std::string histograms_text(const json& reply, const StatsStyle& style);
std::string drops_text(const json& reply, bool all);
std::string connections_text(const json& rows);
// Everything about one; and one line: its id, state and ends.
std::string connection_text(const json& connection);
std::string connection_title(const json& connection);
std::string routes_text(const json& rows);
std::string ports_text(const json& rows);
std::string config_text(const json& rows);
// What a reload or `config set` came to.
std::string change_text(const json& reply, bool check);
std::string listeners_text(const json& rows);
std::string neighbors_text(const json& rows);
std::string addresses_text(const json& rows);
std::string version_text(const json& reply);

// Sorts by a column of `kSortKeys`; numbers fall.
void sort_connections(json& rows, std::string_view key);
struct SortKey {
  std::string_view name;
  std::string_view field;
  std::string_view filter = {};  // the field's name and unit in a filter; empty: it does not compare by size
  std::string_view unit = {};
};
inline constexpr SortKey kSortKeys[] = {{"age", "age_us", "age", "us"},
                                        {"cwnd", "cwnd_bytes", "cwnd"},
                                        {"received", "received_bytes", "received"},
                                        {"retrans", "retransmits", "retrans"},
                                        {"recv-queue", "receive_queue_bytes", "recvq"},
                                        {"rtt", "srtt_us", "rtt", "us"},
                                        {"send-queue", "send_queue_bytes", "sendq"},
                                        {"sent", "sent_bytes", "sent"},
                                        {"state", "state"}};

// The rows of the `connections` flows that spoke last, and their ladders.
json rows_of_last(const json& rows, size_t connections);
std::string ladders_text(const json& rows, bool ascii);

}  // namespace millrace::control::cli
