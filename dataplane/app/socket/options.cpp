#include "app/socket/options.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/socket/option.h"

namespace millrace::socket {

namespace {

// A socket of IPv4 has no options of IPv6, one of IPv6 has those of IPv4 too, as on Linux.
const Option* find(const Socket& socket, int level, int name) {
  if (level == IPPROTO_IPV6 && socket.domain() == AF_INET) return nullptr;
  for (const std::span<const Option> options : {socket_options(), tcp_options(), ip_options()})
    for (const Option& option : options)
      if (option.level == level && option.name == name) return &option;
  return nullptr;
}

// Linux tells a level that IPv4 does not know from a name, but only to who reads.
int cannot_read(const Socket& socket, int level) {
  const bool known = level == SOL_SOCKET || level == IPPROTO_TCP || level == IPPROTO_IP;
  return known || socket.domain() == AF_INET6 ? ENOPROTOOPT : EOPNOTSUPP;
}

}  // namespace

Outcome get_option(Socket& socket, int level, int name, void* value, socklen_t* length) {
  if (length == nullptr) return Outcome::failed(EFAULT);
  const auto room = static_cast<int>(*length);
  if (room < 0) return Outcome::failed(EINVAL);
  const Option* option = find(socket, level, name);
  if (option == nullptr || option->get == nullptr) return Outcome::failed(cannot_read(socket, level));
  Value answer;
  answer.length = *length;
  if (const int error = option->get(socket, answer); error != 0) return Outcome::failed(error);
  const socklen_t count = std::min(*length, answer.length);
  if (count != 0 && value == nullptr) return Outcome::failed(EFAULT);
  if (count != 0) std::memcpy(value, answer.octets, count);
  *length = count;
  return Outcome::ok();
}

Outcome set_option(Socket& socket, int level, int name, const void* value, socklen_t length) {
  const Option* option = find(socket, level, name);
  if (option == nullptr || option->set == nullptr) return Outcome::failed(ENOPROTOOPT);
  if (length < option->size) return Outcome::failed(EINVAL);
  if (value == nullptr) return Outcome::failed(EFAULT);
  Value given;
  given.length = std::min<socklen_t>(length, sizeof given.octets);
  std::memcpy(given.octets, value, given.length);
  const int error = option->set(socket, given);
  return error == 0 ? Outcome::ok() : Outcome::failed(error);
}

}  // namespace millrace::socket
