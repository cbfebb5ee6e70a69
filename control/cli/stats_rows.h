// Two replies to `stats`, one after the other, as values, changes and rates: of all shards together, or of each
// shard, service or port. Neighbours: stats_view.cpp (as text), stats.h (as lines of JSON).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/socket/protocol.h"

namespace millrace::control::cli {

// What counters can be told by; `rows` is where the reply has them, each with its name under `name`.
struct StatsBy {
  std::string_view name;
  std::string_view rows;
};
inline constexpr StatsBy kStatsBys[] = {{"shard", "shards"}, {"service", "services"}, {"port", "ports"}};

struct Figure {
  uint64_t value = 0;
  std::optional<int64_t> change;     // nothing: unknown, as after a restart
  std::optional<double> per_second;  // likewise, and gauges have none
};

struct StatsRow {
  json name;                     // of the shard, service or port; null: all together
  const json* now = nullptr;     // in a reply, which outlives the row
  const json* before = nullptr;  // null: it was not there
  double seconds = 0;            // between the two; 0: it was not read again

  // `group` is counters, gauges or drops.
  Figure figure(std::string_view group, std::string_view name) const;
};

// `by` is null for all together; `before` an earlier reply or null.
std::vector<StatsRow> stats_rows(const json& reply, const json& before, const StatsBy* by);

// One object, with `at_us` and `interval_us` of the replies and a row each: its name under that of `by`, and for
// counters, gauges and drops value, change and per_second of each, null where they are not known.
json stats_changes(const json& reply, const json& before, const StatsBy* by);

}  // namespace millrace::control::cli
