// Counters as `stats` and `drops` show them: read straight from the shards' memory, without asking an lcore.
#pragma once

#include <span>

#include "base/counters.h"
#include "control/socket/protocol.h"
#include "control/socket/view.h"

namespace millrace::control {

// `first` is the number of the first shard in `shards`, which serve `ports`.
json stats_json(std::span<const Counters* const> shards, unsigned first, std::span<const PortInfo> ports);
json drops_json(std::span<const Counters* const> shards);

}  // namespace millrace::control
