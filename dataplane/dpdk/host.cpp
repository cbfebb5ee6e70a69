#include "dpdk/host.h"

#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace millrace::dpdk {

namespace {

bool ask_interface(const std::string& name, unsigned long what, ifreq& request) {
  if (name.empty() || name.size() >= sizeof request.ifr_name) return false;
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const bool answered = ioctl(socket, what, &request) == 0;
  close(socket);
  return answered;
}

}  // namespace

std::vector<uint32_t> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<uint32_t> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

uint64_t free_huge_page_bytes() {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    // hugepages-2048kB
    const std::string name = entry.path().filename();
    const uint64_t kibibytes =
        std::strtoull(name.c_str() + std::min(name.size(), sizeof "hugepages-" - 1), nullptr, 10);
    uint64_t pages = 0;
    std::ifstream(entry.path() / "free_hugepages") >> pages;
    bytes += pages * kibibytes * 1024;
  }
  return bytes;
}

std::optional<uint32_t> interface_mtu(const std::string& name) {
  ifreq request{};
  if (!ask_interface(name, SIOCGIFMTU, request)) return std::nullopt;
  return static_cast<uint32_t>(request.ifr_mtu);
}

bool interface_running(const std::string& name) {
  ifreq request{};
  return ask_interface(name, SIOCGIFFLAGS, request) && (request.ifr_flags & IFF_RUNNING) != 0;
}

bool set_interface_mtu(const std::string& name, uint32_t mtu) {
  ifreq request{};
  request.ifr_mtu = static_cast<int>(mtu);
  return ask_interface(name, SIOCSIFMTU, request);
}

std::string missing_net_capabilities() {
  std::ifstream status("/proc/self/status");
  uint64_t effective = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CapEff:")) effective = std::strtoull(line.c_str() + sizeof "CapEff:", nullptr, 16);
  const bool admin = (effective >> CAP_NET_ADMIN & 1) != 0;
  const bool raw = (effective >> CAP_NET_RAW & 1) != 0;
  if (!admin && !raw) return "the capabilities net_admin and net_raw";
  if (!admin) return "the capability net_admin";
  return raw ? "" : "the capability net_raw";
}

bool openable(const char* path) { return access(path, R_OK | W_OK) == 0; }

}  // namespace millrace::dpdk
