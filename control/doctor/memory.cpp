// Huge pages, and which NUMA node has them.
#include <algorithm>
#include <cstdlib>

#include "config/settings.h"
#include "config/validate.h"
#include "control/doctor/probes.h"

namespace millrace::control::doctor {

namespace {

constexpr std::string_view kHugePages = "huge pages";
constexpr std::string_view kNuma = "NUMA";
constexpr std::string_view kPrefix = "hugepages-";
constexpr uint64_t kPreferredKibibytes = 2048;
constexpr uint64_t kReserve = 512;  // pages of 2 MiB that a command asks for

struct Pages {
  uint64_t kibibytes = 0;
  uint64_t all = 0;
  uint64_t free = 0;
  uint64_t free_bytes() const { return free * kibibytes * 1024; }
};

// `folder` is that of the host or of a node.
std::vector<Pages> pages_in(const Host& host, const std::string& folder) {
  std::vector<Pages> out;
  for (const std::string& name : host.entries(folder)) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string pool = folder + '/' + name + '/';
    out.push_back({std::strtoull(name.c_str() + kPrefix.size(), nullptr, 10),
                   host.number(pool + "nr_hugepages").value_or(0),
                   host.number(pool + "free_hugepages").value_or(0)});
  }
  std::ranges::sort(out, {}, &Pages::kibibytes);
  return out;
}

std::string reserve_command(uint64_t kibibytes, uint64_t pages) {
  return "echo " + std::to_string(pages) + " > /" + path_of_pool(kibibytes) + "/nr_hugepages";
}

void add_pools(const std::vector<Pages>& pools, Findings& findings) {
  uint64_t all = 0, free_bytes = 0;
  for (const Pages& pages : pools) {
    all += pages.all;
    free_bytes += pages.free_bytes();
  }
  if (all == 0) {
    findings.push_back(
        {kHugePages, Severity::Warning,
         "None are reserved: millrace goes on with small pages, which costs speed, and a NIC without an "
         "IOMMU cannot use them.",
         reserve_command(kPreferredKibibytes, kReserve)});
    return;
  }
  const uint64_t needed = config::packet_memory(config::Settings{}).bytes;
  for (const Pages& pages : pools) {
    if (pages.all == 0) continue;
    const bool few = free_bytes < needed;
    findings.push_back(
        {kHugePages, few ? Severity::Warning : Severity::Ok,
         std::to_string(pages.free) + " of " + counted(pages.all, "page") + " of " +
             size_text(pages.kibibytes * 1024) + " are free (" + size_text(pages.free_bytes()) + ")" +
             (few ? ", less than the " + size_text(needed) + " that the packet pools of one lcore take."
                  : "."),
         few ? reserve_command(
                   pages.kibibytes,
                   pages.all + std::max<uint64_t>(1, kReserve * kPreferredKibibytes / pages.kibibytes))
             : ""});
  }
}

// Where hugetlbfs is mounted; empty: nowhere.
std::string mount_point(const Host& host) {
  for (const std::string& line : host.lines("proc/self/mounts")) {  // DEVICE POINT TYPE OPTIONS 0 0
    const size_t point = line.find(' ');
    const size_t type = line.find(' ', point + 1);
    if (point == std::string::npos || type == std::string::npos) continue;
    if (std::string_view(line).substr(type + 1).starts_with("hugetlbfs "))
      return line.substr(point + 1, type - point - 1);
  }
  return {};
}

struct Node {
  std::string number;
  uint64_t pages = 0;
  std::string cpus;
};

std::vector<Node> nodes_of(const Host& host) {
  std::vector<Node> out;
  for (const std::string& name : host.entries("sys/devices/system/node")) {
    if (!name.starts_with("node") || name.find_first_not_of("0123456789", 4) != std::string::npos) continue;
    const std::string folder = "sys/devices/system/node/" + name;
    Node node{name.substr(4), 0, host.text(folder + "/cpulist").value_or("")};
    for (const Pages& pages : pages_in(host, folder + "/hugepages")) node.pages += pages.all;
    out.push_back(node);
  }
  return out;
}

void add_nic_nodes(const Host& host, const std::vector<Node>& nodes, Findings& findings) {
  for (const PciNic& nic : pci_nics(host)) {
    const std::string number = host.text("sys/bus/pci/devices/" + nic.address + "/numa_node").value_or("-1");
    const auto at = std::ranges::find(nodes, number, &Node::number);
    if (at == nodes.end()) continue;
    if (is_dpdk_driver(nic.driver) && at->pages == 0) {
      findings.push_back({kNuma, Severity::Warning,
                          nic.address + " is on node " + number + ", which has no huge pages.",
                          "echo " + std::to_string(kReserve) + " > /sys/devices/system/node/node" + number +
                              "/hugepages/hugepages-2048kB/nr_hugepages"});
    } else {
      findings.push_back({kNuma, Severity::Info,
                          nic.address + " is on node " + number +
                              ": give it CPUs of that node (--lcores, of " + at->cpus + ")."});
    }
  }
}

}  // namespace

std::string path_of_pool(uint64_t kibibytes) {
  return "sys/kernel/mm/hugepages/hugepages-" + std::to_string(kibibytes) + "kB";
}

void probe_huge_pages(const Host& host, Findings& findings) {
  const std::vector<Pages> pools = pages_in(host, "sys/kernel/mm/hugepages");
  if (pools.empty()) {
    findings.push_back({kHugePages, Severity::Warning,
                        "This kernel has none (CONFIG_HUGETLBFS): millrace goes on with small pages, which "
                        "costs speed."});
    return;
  }
  add_pools(pools, findings);
  const std::string point = mount_point(host);
  if (!point.empty())
    findings.push_back({kHugePages, Severity::Ok, "hugetlbfs is mounted on " + point + "."});
  else
    findings.push_back({kHugePages, Severity::Info,
                        "hugetlbfs is not mounted; it is needed only with eal.in_memory = off.",
                        "mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages"});
}

void probe_numa(const Host& host, Findings& findings) {
  const std::vector<Node> nodes = nodes_of(host);
  if (nodes.size() < 2) {
    findings.push_back({kNuma, Severity::Ok, "One node: memory is equally near to every CPU."});
    return;
  }
  std::string all;
  for (const Node& node : nodes)
    all += (all.empty() ? "" : "; ") + node.number + " with CPUs " + node.cpus + " and " +
           counted(node.pages, "huge page");
  findings.push_back({kNuma, Severity::Ok, counted(nodes.size(), "node") + ": " + all + "."});
  add_nic_nodes(host, nodes, findings);
}

}  // namespace millrace::control::doctor
