// The parts of the table of keys; config/schema.h is what the rest of the room reads.
#pragma once

#include <span>
#include <string_view>

#include "config/schema.h"

namespace millrace::config {

std::span<const Key> machine_keys();
std::span<const Key> network_keys();
std::span<const Key> tcp_transfer_keys();
std::span<const Key> tcp_limit_keys();
std::span<const Key> service_keys();
std::span<const Key> load_keys();

// What both [tcp] and services choose from, in the order of the enumerators in base/params.h.
inline constexpr std::string_view kCongestionControls[] = {"newreno", "cubic", "bbr"};
inline constexpr std::string_view kEcnModes[] = {"off", "passive", "on"};

}  // namespace millrace::config
