// `millracectl stats`: what is counted, in all or by shard, service or port, once or again and again.
// Neighbours: stats_rows.h (changes and rates), stats_view.cpp (what people see).
#pragma once

#include <array>

#include "control/cli/commands.h"

namespace millrace::control::cli {

inline constexpr std::array kStatsExamples{
    Example{"stats", "what is not zero"},
    Example{"stats --watch -i 2", "changes and rates, every two seconds"},
    Example{"stats --by service", "what each service has accepted, received, sent and dropped"},
    Example{"stats --histograms", "percentiles of round trips and of the loop"},
    Example{"stats --json | jq .total.counters.rx_packets", "one number"},
    Example{"stats --json --watch --by port | jq '.rows[].counters.rx_packets.per_second'",
            "a number a second and port"}};

void declare_stats(boost::program_options::options_description& options);
int run_stats(Call& call);

}  // namespace millrace::control::cli
