// A path as the address of a Unix socket, for both ends of it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string>

namespace millrace::control {

inline constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
inline constexpr const char* kDefaultSocket = "/run/millrace/control.sock";

class UnixAddress {
 public:
  explicit UnixAddress(const std::string& path) {
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, path.data(), path.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof address_; }

 private:
  sockaddr_un address_{};
};

// Nothing: the path is empty or too long for a socket.
inline std::optional<UnixAddress> unix_address(const std::string& path) {
  if (path.empty() || path.size() > kMaxSocketPath) return std::nullopt;
  return UnixAddress(path);
}

}  // namespace millrace::control
