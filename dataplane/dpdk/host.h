// What the machine has and allows, asked before DPDK is: so that a refusal can say what to do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::dpdk {

// CPUs that this process may run on, ascending.
std::vector<uint32_t> allowed_cpus();

// Octets of huge pages that are free.
uint64_t free_huge_page_bytes();

// The MTU of an interface of this network namespace; nothing: there is none of that name.
std::optional<uint32_t> interface_mtu(const std::string& name);

// Whether it is up and somebody holds its other end.
bool interface_running(const std::string& name);
// False: not allowed, or larger than it can be.
bool set_interface_mtu(const std::string& name, uint32_t mtu);

// `the capabilities net_admin and net_raw`, those of the two that this process lacks; empty: none.
std::string missing_net_capabilities();

// The sockets of this process in a domain, in the order in which they were made as long as none is closed;
// of AF_PACKET those of an interface.
std::vector<int> own_sockets(int domain, const std::string& interface);

bool openable(const char* path);  // for reading and writing

// The longest path of a Unix socket: sun_path without its NUL.
constexpr size_t kSocketPathLimit = 107;

enum class SocketUse : uint8_t { Absent, Stale, Taken, NoSocket };
// Who is behind the path of a Unix socket, asked without making a connection.
SocketUse socket_use(const std::string& path);
// Likewise behind a name of this network namespace that is no path; such are never stale.
SocketUse abstract_socket_use(const std::string& name);
// A connection of this process to the socket of that path or name is open, and the other end has not closed
// it; it may be waiting to be accepted.
bool connected_to(const std::string& socket);
// The directory of a path in which a socket can be made; otherwise what is wrong with it.
std::string directory_problem(const std::string& path);
// A name that no other device has, for a driver whose own MAC address is always the same.
std::array<uint8_t, 6> random_mac();

}  // namespace millrace::dpdk
