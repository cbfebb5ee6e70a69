#include "app/socket/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace millrace::socket {

IpAddress any_address(Family family) {
  return family == Family::V4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress();
}

ReadAddress read_address(int domain, const sockaddr* address, socklen_t length) {
  if (address == nullptr) return {.endpoint = {}, .error = EFAULT};
  if (length < sizeof(sa_family_t)) return {.endpoint = {}, .error = EINVAL};
  sa_family_t family = 0;
  std::memcpy(&family, address, sizeof family);
  if (family != domain) return {.endpoint = {}, .error = EAFNOSUPPORT};
  if (domain == AF_INET) {
    sockaddr_in in{};
    if (length < sizeof in) return {.endpoint = {}, .error = EINVAL};
    std::memcpy(&in, address, sizeof in);
    uint8_t octets[4];
    std::memcpy(octets, &in.sin_addr, sizeof octets);
    return {.endpoint = {IpAddress::from_v4_wire(octets), ntohs(in.sin_port)}};
  }
  sockaddr_in6 in6{};
  // RFC 2133's form, without the scope, is taken too.
  constexpr socklen_t kShortest = offsetof(sockaddr_in6, sin6_scope_id);
  if (length < kShortest) return {.endpoint = {}, .error = EINVAL};
  std::memcpy(&in6, address, std::min<size_t>(length, sizeof in6));
  return {.endpoint = {IpAddress::from_v6_wire(in6.sin6_addr.s6_addr), ntohs(in6.sin6_port)}};
}

void write_address(int domain, const Endpoint& endpoint, sockaddr* address, socklen_t* length) {
  if (address == nullptr || length == nullptr) return;
  const socklen_t room = *length;
  if (domain == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.address.v4_wire(), 4);
    std::memcpy(address, &in, std::min<size_t>(room, sizeof in));
    *length = sizeof in;
    return;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(endpoint.port);
  std::memcpy(&in6.sin6_addr, endpoint.address.v6_wire(), 16);
  std::memcpy(address, &in6, std::min<size_t>(room, sizeof in6));
  *length = sizeof in6;
}

}  // namespace millrace::socket
