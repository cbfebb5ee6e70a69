// Keys of what TCP stands on: addresses, routes, the fleet behind them, neighbours, ICMP.
#include "config/binding.h"
#include "config/keys.h"

namespace millrace::config {

namespace {

using binding::field;
using binding::list;

constexpr uint64_t kMillisecond = 1'000;
constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kMinute = 60 * kSecond;

const Key kKeys[] = {
    {.section = "address",
     .name = "add",
     .type = Type::Address,
     .repeatable = true,
     .option = "address",
     .example = "10.0.0.2/24",
     .doc = "An address of the endpoint with the length of its prefix.",
     .binding = list<&Settings::addresses>()},
    {.section = "route",
     .name = "add",
     .type = Type::Route,
     .repeatable = true,
     .option = "route",
     .example = "0.0.0.0/0 via 10.0.0.1",
     .doc = "A destination and the gateway to it; `default` stands for 0.0.0.0/0 or ::/0.",
     .binding = list<&Settings::routes>()},

    {.section = "fleet",
     .name = "key_file",
     .type = Type::Path,
     .bounds = {1, 4095},
     .example = "/etc/millrace/fleet.key",
     .doc =
         "File with the secret that the nodes behind one address share, so that each accepts the others' "
         "cookies: 64 hexadecimal digits or more; a second line is accepted too, and issues nothing. SIGHUP "
         "reads it again.",
     .binding = field<&Settings::fleet, &FleetSettings::key_file>()},

    {.section = "neighbor",
     .name = "entries",
     .type = Type::Integer,
     .fallback = "1024",
     .bounds = {8, 1 << 20},
     .example = "4096",
     .doc = "Bound of the neighbour table.",
     .binding = field<&Settings::neighbor, &NeighborParams::entries>()},
    {.section = "neighbor",
     .name = "queue_packets",
     .type = Type::Integer,
     .fallback = "3",
     .bounds = {1, 64},
     .change = Change::Live,
     .example = "8",
     .doc = "Packets that wait for one resolution.",
     .binding = field<&Settings::neighbor, &NeighborParams::queue_packets>()},
    {.section = "neighbor",
     .name = "reachable",
     .type = Type::Duration,
     .fallback = "30s",
     .bounds = {kSecond, 60 * kMinute},
     .change = Change::Live,
     .example = "60s",
     .doc = "How long a confirmed neighbour counts as reachable (RFC 4861 §10, REACHABLE_TIME).",
     .binding = field<&Settings::neighbor, &NeighborParams::reachable>()},
    {.section = "neighbor",
     .name = "retransmit",
     .type = Type::Duration,
     .fallback = "1s",
     .bounds = {10 * kMillisecond, kMinute},
     .change = Change::Live,
     .example = "200ms",
     .doc = "Time between two solicitations (RFC 4861 §10, RETRANS_TIMER).",
     .binding = field<&Settings::neighbor, &NeighborParams::retransmit>()},
    {.section = "neighbor",
     .name = "delay_first_probe",
     .type = Type::Duration,
     .fallback = "5s",
     .bounds = {0, kMinute},
     .change = Change::Live,
     .example = "1s",
     .doc = "How long upper layers may confirm a stale neighbour before it is probed (RFC 4861 §10).",
     .binding = field<&Settings::neighbor, &NeighborParams::delay_first_probe>()},
    {.section = "neighbor",
     .name = "probes",
     .type = Type::Integer,
     .fallback = "3",
     .bounds = {1, 32},
     .change = Change::Live,
     .example = "5",
     .doc = "Solicitations without an answer before a neighbour counts as gone (RFC 4861 §10).",
     .binding = field<&Settings::neighbor, &NeighborParams::probes>()},
    {.section = "neighbor",
     .name = "stale",
     .type = Type::Duration,
     .fallback = "600s",
     .bounds = {kSecond, 24 * 60 * kMinute},
     .change = Change::Live,
     .example = "1h",
     .doc = "An entry that nothing used for so long is forgotten.",
     .binding = field<&Settings::neighbor, &NeighborParams::stale>()},

    {.section = "icmp",
     .name = "errors_per_second",
     .type = Type::Integer,
     .fallback = "100",
     .bounds = {0, 1'000'000},
     .change = Change::Live,
     .example = "10",
     .doc = "ICMP errors sent in a second at most (RFC 4443 §2.4(f)).",
     .binding = field<&Settings::icmp, &IcmpParams::errors_per_second>(),
     .special = "none are sent"},
    {.section = "icmp",
     .name = "echo",
     .type = Type::Boolean,
     .fallback = "on",
     .change = Change::Live,
     .example = "off",
     .doc = "Answer echo requests (ping).",
     .binding = field<&Settings::icmp, &IcmpParams::echo>()},
};

}  // namespace

std::span<const Key> network_keys() { return kKeys; }

}  // namespace millrace::config
