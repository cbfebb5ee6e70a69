// What `millrace doctor` looks at, a probe a concern. A probe reads the host and adds what it found; it
// neither changes nor asks anything else. Neighbours: host.h (what is read), doctor.h (who shows it).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/doctor/host.h"

namespace millrace::control::doctor {

// Info: worth knowing, nothing to do for what works without. Warning: slower, or a link that does not work.
// Error: no link works, or one that was set up cannot.
enum class Severity : uint8_t { Ok, Info, Warning, Error };
std::string_view name_of(Severity severity);

struct Finding {
  std::string_view topic;
  Severity severity = Severity::Ok;
  std::string sentence;
  std::string command = {};  // mends it, run by root; empty: nothing to mend, or no command does
};

using Findings = std::vector<Finding>;

void probe_huge_pages(const Host& host, Findings& findings);
void probe_numa(const Host& host, Findings& findings);
void probe_cpus(const Host& host, Findings& findings);
void probe_frequency(const Host& host, Findings& findings);
void probe_clock(const Host& host, Findings& findings);
void probe_iommu(const Host& host, Findings& findings);
void probe_nics(const Host& host, Findings& findings);
void probe_links(const Host& host, Findings& findings);
void probe_capabilities(const Host& host, Findings& findings);
void probe_limits(const Host& host, Findings& findings);

// All of them, in the order in which they are shown.
Findings examine(const Host& host);

// ---- What several probes ask.

// A NIC of the PCI bus.
struct PciNic {
  std::string address;  // 0000:01:00.0
  std::string driver;   // empty: none
  std::vector<std::string> interfaces;
};
std::vector<PciNic> pci_nics(const Host& host);
// Bound to a driver by which DPDK takes the whole device: vfio-pci and the like.
bool is_dpdk_driver(std::string_view driver);
bool has_dpdk_nic(const Host& host);
// A word of the `flags` of the first CPU.
bool has_cpu_flag(const Host& host, std::string_view flag);
// The command that gives the kernel further words at its next start.
std::string boot_command(std::string_view words);
std::string path_of_pool(uint64_t kibibytes);  // sys/kernel/mm/hugepages/hugepages-2048kB

}  // namespace millrace::control::doctor
