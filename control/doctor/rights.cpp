// What this process may do: capabilities and resource limits.
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "config/settings.h"
#include "config/validate.h"
#include "control/doctor/probes.h"

namespace millrace::control::doctor {

namespace {

constexpr std::string_view kCapabilities = "capabilities";
constexpr std::string_view kLimits = "limits";
constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

struct Capability {
  unsigned bit;
  std::string_view name;
};
// TAP and AF_XDP; AF_PACKET; memory that stays where a NIC writes to it.
constexpr std::array kNeeded{Capability{CAP_NET_ADMIN, "cap_net_admin"},
                             Capability{CAP_NET_RAW, "cap_net_raw"},
                             Capability{CAP_IPC_LOCK, "cap_ipc_lock"}};

std::string value_of(const Host& host, const std::string& file, std::string_view name) {
  for (const std::string& line : host.lines(file))
    if (line.starts_with(name))
      return line.substr(std::min(line.find_first_not_of(" \t", name.size()), line.size()));
  return {};
}

uint64_t effective_capabilities(const Host& host) {
  return std::strtoull(value_of(host, "proc/self/status", "CapEff:").c_str(), nullptr, 16);
}

// The soft limit, the first of the line's two numbers.
uint64_t limit_of(const Host& host, std::string_view name) {
  const std::string text = value_of(host, "proc/self/limits", name);
  uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return kUnlimited;
  return value;
}

uint64_t huge_pages(const Host& host) {
  uint64_t pages = 0;
  for (const std::string& name : host.entries("sys/kernel/mm/hugepages"))
    pages += host.number("sys/kernel/mm/hugepages/" + name + "/nr_hugepages").value_or(0);
  return pages;
}

}  // namespace

void probe_capabilities(const Host& host, Findings& findings) {
  const uint64_t effective = effective_capabilities(host);
  std::string missing, all;
  for (const Capability& one : kNeeded) {
    all += (all.empty() ? "" : ", ") + std::string(one.name);
    if ((effective >> one.bit & 1) == 0) missing += (missing.empty() ? "" : ", ") + std::string(one.name);
  }
  if (missing.empty()) {
    findings.push_back({kCapabilities, Severity::Ok, "This process has " + all + "."});
    return;
  }
  std::string names = all;
  std::erase(names, ' ');
  findings.push_back({kCapabilities, Severity::Warning,
                      "This process lacks " + missing +
                          ", without which it opens no TAP, AF_PACKET or AF_XDP "
                          "device and no NIC: run as root, or give them to the program.",
                      "setcap " + names + "+ep $(readlink -f $(command -v millrace))"});
}

void probe_limits(const Host& host, Findings& findings) {
  constexpr uint64_t kDescriptors = 64;  // beside those of huge pages: sockets, devices, logs
  const uint64_t locked = limit_of(host, "Max locked memory"), files = limit_of(host, "Max open files");
  const uint64_t pools = config::packet_memory(config::Settings{}).bytes;
  const bool exempt = (effective_capabilities(host) >> CAP_IPC_LOCK & 1) != 0;
  if (locked == kUnlimited || locked >= pools || exempt)
    findings.push_back(
        {kLimits, Severity::Ok,
         locked == kUnlimited ? std::string("Locked memory is not limited.")
         : exempt ? std::string("Locked memory is limited, but not for this process (cap_ipc_lock).")
                  : size_text(locked) + " of memory may be locked."});
  else
    findings.push_back({kLimits, has_dpdk_nic(host) ? Severity::Warning : Severity::Info,
                        "Only " + size_text(locked) + " of memory may be locked, less than the " +
                            size_text(pools) + " of one lcore's packet pools that vfio locks for a NIC.",
                        "ulimit -l unlimited    # in a unit of systemd: LimitMEMLOCK=infinity"});
  // EAL keeps a file open for each huge page that it takes.
  const uint64_t wanted = huge_pages(host) + kDescriptors;
  if (files >= wanted)
    findings.push_back({kLimits, Severity::Ok,
                        files == kUnlimited ? "Open files are not limited."
                                            : counted(files, "file") + " may be open at once."});
  else
    findings.push_back({kLimits, Severity::Warning,
                        "Only " + counted(files, "file") +
                            " may be open at once, and EAL keeps one open for each of " +
                            counted(huge_pages(host), "huge page") + " that it takes.",
                        "ulimit -n " + std::to_string(std::max<uint64_t>(65536, 2 * wanted)) +
                            "    # in a unit of systemd: LimitNOFILE="});
}

}  // namespace millrace::control::doctor
