// The sections, and the table of keys put together. To add a key: a field in config/settings.h (or
// base/params.h), an entry in one of the keys_*.cpp, and `millrace config reference > config/reference.md`.
#include "config/keys.h"

#include <algorithm>

namespace millrace::config {

namespace {

constexpr Section kSections[] = {
    {"eal", false, "DPDK's environment: memory, and the arguments that are passed through."},
    {"port", true, "A network device by which packets come and go."},
    {"address", false, "The addresses of the endpoint, with the length of their prefixes."},
    {"route", false, "Ways to destinations outside the prefixes of the endpoint's addresses."},
    {"tcp", false, "Every connection's timers, buffers and options."},
    {"fleet", false, "What the nodes behind one address have in common."},
    {"neighbor", false, "Link addresses of neighbours, learnt by ARP and Neighbor Discovery."},
    {"icmp", false, "ICMP and ICMPv6."},
    {"memory", false,
     "Bounds of one lcore's tables and pools; memory is taken for these numbers at the start."},
    {"lcores", false, "The CPUs that carry packets, one shard each."},
    {"control", false, "The control thread: its socket, metrics, log and stop."},
    {"service", true, "A program that runs on the lcores and answers on a port.", "service",
     "KIND:LISTEN[,KEY=VALUE...]",
     "A service and what it listens on, as in http:80 or http:10.0.0.2:80,directory=/srv/www",
     Command::Serve},
    {"load",
     false,
     "What `millrace load` does to a server; `millrace serve` does not read it.",
     {},
     {},
     {},
     Command::Load},
};

// In the order of the sections.
std::vector<Key> joined() {
  std::vector<Key> all;
  for (const Section& section : kSections)
    for (const std::span<const Key> part : {machine_keys(), network_keys(), tcp_transfer_keys(),
                                            tcp_limit_keys(), service_keys(), load_keys()})
      std::copy_if(part.begin(), part.end(), std::back_inserter(all),
                   [&](const Key& key) { return key.section == section.name; });
  return all;
}

}  // namespace

std::span<const Section> sections() { return kSections; }

std::span<const Key> keys() {
  static const std::vector<Key> all = joined();
  return all;
}

}  // namespace millrace::config
