#include "dpdk/host.h"

#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
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

// The carrier itself: IFF_RUNNING follows it up to a second later, and a short outage would go unseen.
bool interface_running(const std::string& name) {
  ifreq request{};
  if (!ask_interface(name, SIOCGIFFLAGS, request) || (request.ifr_flags & IFF_UP) == 0) return false;
  ethtool_value carrier{.cmd = ETHTOOL_GLINK, .data = 0};
  request = {};
  request.ifr_data = reinterpret_cast<char*>(&carrier);
  return ask_interface(name, SIOCETHTOOL, request) && carrier.data != 0;
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

std::vector<int> own_sockets(int domain, const std::string& interface) {
  std::vector<int> sockets;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int descriptor = std::atoi(entry.path().filename().c_str());
    int actual = -1;
    socklen_t length = sizeof actual;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &actual, &length) != 0 || actual != domain) continue;
    sockaddr_ll address{};
    length = sizeof address;
    if (domain == AF_PACKET &&
        (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
         static_cast<unsigned>(address.sll_ifindex) != if_nametoindex(interface.c_str())))
      continue;
    sockets.push_back(descriptor);
  }
  std::sort(sockets.begin(), sockets.end());
  return sockets;
}

bool openable(const char* path) { return access(path, R_OK | W_OK) == 0; }

SocketUse abstract_socket_use(const std::string& name) {
  std::ifstream sockets("/proc/net/unix");  // of this network namespace, as such names are
  for (std::string line; std::getline(sockets, line);)
    if (line.ends_with(" @" + name)) return SocketUse::Taken;
  return SocketUse::Absent;
}

// Streams and sequenced packets are what drivers use. A datagram socket that connects to one of those is told
// that the kinds differ, and its owner never hears of it.
SocketUse socket_use(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return SocketUse::Absent;
  if (!S_ISSOCK(file.st_mode)) return SocketUse::NoSocket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), kSocketPathLimit));
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return SocketUse::Taken;
  const bool refused = connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                       errno == ECONNREFUSED;
  close(socket);
  return refused ? SocketUse::Stale : SocketUse::Taken;
}

bool connected_to(const std::string& socket) {
  for (const int descriptor : own_sockets(AF_UNIX, {})) {
    sockaddr_un address{};
    socklen_t length = sizeof address - 1;  // a path that fills it has no NUL
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) continue;
    const bool abstract = address.sun_path[0] == '\0';
    if (socket != address.sun_path + (abstract ? 1 : 0)) continue;
    pollfd state{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
    if (poll(&state, 1, 0) == 0) return true;
  }
  return false;
}

std::string directory_problem(const std::string& path) {
  std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) directory = ".";
  struct stat file {};
  if (stat(directory.c_str(), &file) != 0)
    return "there is no directory " + directory.string() + "; create it by `mkdir -p " + directory.string() +
           '`';
  if (!S_ISDIR(file.st_mode)) return directory.string() + " is no directory";
  if (access(directory.c_str(), W_OK | X_OK) != 0)
    return "this process may not make a socket in " + directory.string();
  return {};
}

std::array<uint8_t, 6> random_mac() {
  std::array<uint8_t, 6> octets{};
  if (getrandom(octets.data(), octets.size(), 0) < 0) octets[5] = static_cast<uint8_t>(getpid());
  octets[0] = static_cast<uint8_t>((octets[0] & ~0x01) | 0x02);  // locally administered, one station
  return octets;
}

}  // namespace millrace::dpdk
