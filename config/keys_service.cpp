// Keys of services: what runs, where it listens, and what its connections have otherwise than [tcp] says.
#include "config/binding.h"
#include "config/keys.h"

namespace millrace::config {

namespace {

using binding::named;
using binding::nested;

constexpr uint64_t kMillisecond = 1'000;
constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kMinute = 60 * kSecond;

// In the order of the enumerators in config/settings.h.
constexpr std::string_view kServiceKinds[] = {"http", "echo", "discard", "chargen", "rpc"};

const Key kKeys[] = {
    {.section = "service",
     .name = "kind",
     .type = Type::Choice,
     .choices = kServiceKinds,
     .required = true,
     .example = "http",
     .doc = "Which program runs.",
     .binding = named<&Settings::services, &ServiceSettings::kind>()},
    {.section = "service",
     .name = "listen",
     .type = Type::Listen,
     .repeatable = true,
     .required = true,
     .example = "80",
     .doc = "Port, on every address or on the one named, that the service answers on.",
     .binding = named<&Settings::services, &ServiceSettings::listen>()},
    {.section = "service",
     .name = "directory",
     .type = Type::Path,
     .bounds = {1, 4095},
     .example = "/srv/www",
     .doc = "Directory whose files http serves from memory; none serves the built-in page.",
     .binding = named<&Settings::services, &ServiceSettings::directory>()},
    {.section = "service",
     .name = "directory_bytes",
     .type = Type::Size,
     .fallback = "64MiB",
     .bounds = {1, int64_t{64} << 30},
     .example = "256MiB",
     .doc = "What the files of the directory may hold together; more is refused at the start.",
     .binding = named<&Settings::services, &ServiceSettings::directory_bytes>()},
    {.section = "service",
     .name = "backlog",
     .type = Type::Integer,
     .fallback = "1024",
     .bounds = {1, 1 << 20},
     .example = "8192",
     .doc = "Half-open connections of one listener of the service.",
     .binding = named<&Settings::services, &ServiceSettings::backlog>()},
    {.section = "service",
     .name = "keepalive",
     .type = Type::Boolean,
     .example = "on",
     .doc = "Keep-alive on the service's connections; else as tcp.keepalive says.",
     .binding = nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::keepalive>()},
    {.section = "service",
     .name = "keepalive_idle",
     .type = Type::Duration,
     .bounds = {kMillisecond, 7 * 24 * 60 * kMinute},
     .example = "60s",
     .doc = "As tcp.keepalive_idle, for the service's connections.",
     .binding =
         nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::keepalive_idle>()},
    {.section = "service",
     .name = "keepalive_interval",
     .type = Type::Duration,
     .bounds = {kMillisecond, 24 * 60 * kMinute},
     .example = "10s",
     .doc = "As tcp.keepalive_interval, for the service's connections.",
     .binding =
         nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::keepalive_interval>()},
    {.section = "service",
     .name = "keepalive_probes",
     .type = Type::Integer,
     .bounds = {1, 255},
     .example = "5",
     .doc = "As tcp.keepalive_probes, for the service's connections.",
     .binding =
         nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::keepalive_probes>()},
    {.section = "service",
     .name = "user_timeout",
     .type = Type::Duration,
     .bounds = {0, 24 * 60 * kMinute},
     .example = "30s",
     .doc = "As tcp.user_timeout, for the service's connections.",
     .binding = nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::user_timeout>()},
    {.section = "service",
     .name = "fin_wait_2_timeout",
     .type = Type::Duration,
     .bounds = {0, 24 * 60 * kMinute},
     .example = "10s",
     .doc = "As tcp.fin_wait_2_timeout, for the service's connections.",
     .binding =
         nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::fin_wait_2_timeout>()},
    {.section = "service",
     .name = "max_segment",
     .type = Type::Integer,
     .bounds = {48, 65535},
     .example = "1200",
     .doc = "Largest TCP segment, header not counted, that the service's connections send and announce; else "
            "what the MTU allows.",
     .binding = nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::max_segment>()},
    {.section = "service",
     .name = "congestion_control",
     .type = Type::Choice,
     .choices = kCongestionControls,
     .example = "newreno",
     .doc = "As tcp.congestion_control, for the service's connections.",
     .binding =
         nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::congestion_control>()},
    {.section = "service",
     .name = "ecn",
     .type = Type::Choice,
     .choices = kEcnModes,
     .example = "off",
     .doc = "As tcp.ecn, for the service's connections.",
     .binding = nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::ecn>()},
    {.section = "service",
     .name = "dscp",
     .type = Type::Integer,
     .bounds = {0, 63},
     .example = "46",
     .doc = "As tcp.dscp, for the service's connections.",
     .binding = nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::dscp>()},
    {.section = "service",
     .name = "hop_limit",
     .type = Type::Integer,
     .bounds = {1, 255},
     .example = "255",
     .doc = "As tcp.hop_limit, for the service's connections.",
     .binding = nested<&Settings::services, &ServiceSettings::connection, &ConnectionParams::hop_limit>()},
    {.section = "service",
     .name = "fast_open",
     .type = Type::Boolean,
     .fallback = "off",
     .example = "on",
     .doc = "Take data in the SYN of clients that show a cookie (RFC 7413); a network that duplicates a SYN "
            "may bring its request twice (§6.1).",
     .binding = named<&Settings::services, &ServiceSettings::fast_open>()},
    {.section = "service",
     .name = "fast_open_pending",
     .type = Type::Integer,
     .fallback = "256",
     .bounds = {1, 65536},
     .example = "4096",
     .doc = "Connections of one listener that Fast Open has opened and whose handshakes have not ended; more "
            "are opened as usual.",
     .binding = named<&Settings::services, &ServiceSettings::fast_open_pending>()},
    {.section = "service",
     .name = "connections",
     .type = Type::Integer,
     .fallback = "0",
     .bounds = {0, 1 << 24},
     .example = "10000",
     .doc = "Connections of one listener that one lcore has open; more are treated as `tcp.accept_overflow` "
            "says.",
     .binding = named<&Settings::services, &ServiceSettings::connections>(),
     .special = "as many as memory.connections allows"},
};

}  // namespace

std::span<const Key> service_keys() { return kKeys; }

}  // namespace millrace::config
