// The devices of this kernel that a port's `vdev` can be on.
#include "control/doctor/probes.h"

namespace millrace::control::doctor {

namespace {

constexpr std::string_view kLinks = "virtual devices";

// Whether the kernel has sockets of a family: proc/net/protocols has a line for each.
bool has_protocol(const Host& host, std::string_view name) {
  for (const std::string& line : host.lines("proc/net/protocols"))
    if (line.starts_with(std::string(name) + ' ')) return true;
  return false;
}

}  // namespace

void probe_links(const Host& host, Findings& findings) {
  const bool tun = host.exists("dev/net/tun");
  const bool packet = has_protocol(host, "PACKET"), xdp = has_protocol(host, "XDP");
  if (!tun && !packet && !xdp && !has_dpdk_nic(host))
    findings.push_back(
        {kLinks, Severity::Error,
         "No network can be reached: no NIC is given to DPDK, and this kernel has neither TAP nor "
         "AF_PACKET nor AF_XDP; only shared memory (memif, vhost-user) is left.",
         "modprobe -a tun af_packet"});
  if (tun)
    findings.push_back({kLinks, Severity::Ok, "TAP: /dev/net/tun is there, for net_tap."});
  else
    findings.push_back(
        {kLinks, Severity::Info,
         "TAP: /dev/net/tun is missing, so net_tap does not work; a container needs it as a device.",
         "modprobe tun"});
  if (packet)
    findings.push_back({kLinks, Severity::Ok, "AF_PACKET: this kernel has it, for net_af_packet."});
  else
    findings.push_back({kLinks, Severity::Info,
                        "AF_PACKET: this kernel has it not, so net_af_packet does not work.",
                        "modprobe af_packet"});
  if (xdp)
    findings.push_back({kLinks, Severity::Ok, "AF_XDP: this kernel has it, for net_af_xdp."});
  else
    findings.push_back(
        {kLinks, Severity::Info,
         "AF_XDP: this kernel was built without it (CONFIG_XDP_SOCKETS), so net_af_xdp does not work."});
  if (host.exists("dev/vhost-net"))
    findings.push_back(
        {kLinks, Severity::Ok, "vhost: /dev/vhost-net is there, for net_virtio_user on the kernel's vhost."});
  else
    findings.push_back(
        {kLinks, Severity::Info,
         "vhost: /dev/vhost-net is missing, so net_virtio_user has no kernel behind it; vhost-user "
         "needs none.",
         "modprobe vhost_net"});
}

}  // namespace millrace::control::doctor
