// Counters as OpenMetrics text, for Prometheus: read straight from the shards' memory, without asking an
// lcore. Names, units and sentences are those of base/counters.h. Neighbours: metrics_server.h (hands it
// out).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/counters.h"
#include "control/socket/view.h"

namespace millrace::control {

inline constexpr const char* kOpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// The name of a counter's family, which ends with its unit (OpenMetrics 1.0, "Unit"): rx_packets is
// millrace_rx_packets, tcp_closed millrace_tcp_closed_connections, tcp_segments_sent
// millrace_tcp_sent_segments.
std::string family_name(std::string_view counter, std::string_view unit);
std::string family_name(const HistogramInfo& info);  // millrace_tcp_rtt_seconds

std::string open_metrics(std::span<const Counters* const> shards, const EndpointInfo& info);

}  // namespace millrace::control
