// Settings -> the parameter structs of dpdk/ and of the shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/params.h"
#include "config/settings.h"
#include "dpdk/eal.h"
#include "dpdk/port.h"

namespace millrace::control {

size_t lcore_count(const config::Settings& settings);

dpdk::EalParams eal_params(const config::Settings& settings);
dpdk::PortParams port_params(const config::PortSettings& port);
// Who computes TCP checksums, in words.
const char* checksum_text(wire::Checksum checksum);
// Of a loop on this queue of a port that has been started.
dpdk::IdleParams idle_params(const config::Settings& settings, const dpdk::Port& port,
                             std::optional<uint16_t> queue);
ShardParams shard_params(const config::Settings& settings, const dpdk::PortReport& port,
                         const Secrets& secrets);

}  // namespace millrace::control
