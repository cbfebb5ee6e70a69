// NICs, the drivers that they are bound to, and the IOMMU by which vfio hands them to a program.
#include <algorithm>
#include <array>
#include <cctype>

#include "control/doctor/probes.h"

namespace millrace::control::doctor {

namespace {

constexpr std::string_view kIommu = "IOMMU";
constexpr std::string_view kNics = "NICs";
const std::string kDevices = "sys/bus/pci/devices/";
const std::string kUnsafe = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

// Drivers of the kernel beside which DPDK takes the device without a change of driver.
constexpr std::array<std::string_view, 3> kShared{"mlx4_core", "mlx5_core", "mana"};
constexpr std::array<std::string_view, 3> kWhole{"vfio-pci", "igb_uio", "uio_pci_generic"};

// Interfaces stand below the device, or below what a bus on it adds: ADDRESS/virtio0/net/eth0.
std::vector<std::string> interfaces_of(const Host& host, const std::string& address) {
  std::vector<std::string> out = host.entries(kDevices + address + "/net");
  for (const std::string& name : host.entries(kDevices + address)) {
    if (!name.starts_with("virtio")) continue;
    for (std::string& interface : host.entries(kDevices + address + '/' + name + "/net"))
      out.push_back(std::move(interface));
  }
  return out;
}

bool no_iommu_mode(const Host& host) { return host.text(kUnsafe).value_or("N") == "Y"; }

// The interface that the default route of IPv4 leaves by; empty: none.
std::string default_interface(const Host& host) {
  for (const std::string& line : host.lines("proc/net/route")) {  // IFACE DESTINATION GATEWAY ...
    const size_t blank = line.find('\t');
    if (blank != std::string::npos && line.compare(blank + 1, 9, "00000000\t") == 0)
      return line.substr(0, blank);
  }
  return {};
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// The kernel lets a name hold what a shell would take for its own.
bool is_plain(std::string_view name) {
  return std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; });
}

Finding of_whole(const Host& host, const PciNic& nic) {
  const bool reachable =
      nic.driver != "vfio-pci" || host.exists(kDevices + nic.address + "/iommu_group") || no_iommu_mode(host);
  if (reachable)
    return {
        kNics, Severity::Ok,
        nic.address + " is bound to " + nic.driver + ": take it by [port.NAME] pci = " + nic.address + "."};
  return {kNics, Severity::Error,
          nic.address +
              " is bound to vfio-pci, but there is no IOMMU and vfio is not in its no-IOMMU mode: no "
              "program can open it.",
          "echo Y > /" + kUnsafe + " && dpdk-devbind.py --unbind " + nic.address +
              " && dpdk-devbind.py --bind=vfio-pci " + nic.address};
}

Finding of_kernel(const Host& host, const PciNic& nic) {
  if (nic.driver.empty())
    return {kNics, Severity::Info, nic.address + " is bound to no driver.",
            "dpdk-devbind.py --bind=vfio-pci " + nic.address};
  const std::string which =
      nic.address + " (" +
      (nic.interfaces.empty() ? nic.driver : joined(nic.interfaces) + ", " + nic.driver) + ')';
  if (std::ranges::find(kShared, nic.driver) != kShared.end())
    return {kNics, Severity::Ok,
            which + " is shared: DPDK takes it beside the kernel, by [port.NAME] pci = " + nic.address + "."};
  if (std::ranges::find(nic.interfaces, default_interface(host)) != nic.interfaces.end())
    return {kNics, Severity::Info,
            which +
                " carries the kernel's default route: leave it there, or serve beside the kernel by "
                "net_af_packet or net_af_xdp."};
  const bool named = !nic.interfaces.empty() && is_plain(nic.interfaces.front());
  const std::string down = named ? "ip link set " + nic.interfaces.front() + " down && " : "";
  return {kNics, Severity::Info, which + " is the kernel's; DPDK takes it whole after a change of driver.",
          down + "dpdk-devbind.py --bind=vfio-pci " + nic.address};
}

// Interfaces with hardware behind them that is on no PCI bus: virtio over MMIO, USB.
void add_other_interfaces(const Host& host, const std::vector<PciNic>& nics, Findings& findings) {
  for (const std::string& name : host.entries("sys/class/net")) {
    const auto has = [&](const PciNic& nic) {
      return std::ranges::find(nic.interfaces, name) != nic.interfaces.end();
    };
    if (!host.exists("sys/class/net/" + name + "/device") || std::ranges::any_of(nics, has)) continue;
    findings.push_back({kNics, Severity::Info,
                        name + " (" + host.link("sys/class/net/" + name + "/device/driver") +
                            ") is on no PCI bus: DPDK reaches it by net_af_packet or net_af_xdp."});
  }
}

}  // namespace

std::vector<PciNic> pci_nics(const Host& host) {
  constexpr std::string_view kNetwork = "0x02";  // the base class of PCI's class code
  std::vector<PciNic> out;
  for (const std::string& address : host.entries("sys/bus/pci/devices")) {
    if (!host.text(kDevices + address + "/class").value_or("").starts_with(kNetwork)) continue;
    out.push_back({address, host.link(kDevices + address + "/driver"), interfaces_of(host, address)});
  }
  return out;
}

bool is_dpdk_driver(std::string_view driver) { return std::ranges::find(kWhole, driver) != kWhole.end(); }

bool has_dpdk_nic(const Host& host) {
  return std::ranges::any_of(pci_nics(host), [](const PciNic& nic) { return is_dpdk_driver(nic.driver); });
}

void probe_iommu(const Host& host, Findings& findings) {
  const bool any_nic = !pci_nics(host).empty();
  const size_t groups = host.entries("sys/kernel/iommu_groups").size();
  if (groups != 0) {
    findings.push_back({kIommu, Severity::Ok, "It is on, with " + counted(groups, "group") + " of devices."});
  } else if (no_iommu_mode(host)) {
    findings.push_back(
        {kIommu, Severity::Info,
         "There is none, and vfio works without: a NIC given to DPDK can write to any memory."});
  } else if (!any_nic) {
    findings.push_back({kIommu, Severity::Ok, "There is none, and no NIC on a PCI bus that would want one."});
  } else if (has_cpu_flag(host, "hypervisor")) {
    findings.push_back({kIommu, Severity::Info,
                        "This virtual machine has none: vfio takes a NIC in its no-IOMMU mode only.",
                        "modprobe vfio enable_unsafe_noiommu_mode=1 && modprobe vfio-pci"});
  } else {
    findings.push_back(
        {kIommu, Severity::Warning,
         "It is off, or the firmware has disabled it (VT-d, AMD-Vi): vfio cannot protect memory "
         "from a NIC.",
         boot_command("intel_iommu=on iommu=pt")});
  }
  if (!any_nic) return;
  if (host.exists("sys/bus/pci/drivers/vfio-pci"))
    findings.push_back({kIommu, Severity::Ok, "The driver vfio-pci is loaded."});
  else
    findings.push_back({kIommu, Severity::Info,
                        "The driver vfio-pci, by which DPDK takes a NIC, is not loaded.",
                        "modprobe vfio-pci"});
}

void probe_nics(const Host& host, Findings& findings) {
  const std::vector<PciNic> nics = pci_nics(host);
  const size_t before = findings.size();
  for (const PciNic& nic : nics)
    findings.push_back(is_dpdk_driver(nic.driver) ? of_whole(host, nic) : of_kernel(host, nic));
  add_other_interfaces(host, nics, findings);
  if (findings.size() == before)
    findings.push_back({kNics, Severity::Info, "There is none: virtual devices and shared memory remain."});
}

}  // namespace millrace::control::doctor
