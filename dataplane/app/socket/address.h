// sockaddr and back. An AF_INET6 socket speaks of IPv4 peers as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), which is
// how IpAddress holds them anyway.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "base/address.h"

namespace millrace::socket {

// The unspecified address of a family.
IpAddress any_address(Family family);

// Reads an address for a socket of `domain` (AF_INET or AF_INET6). A negative errno where it is none: EINVAL
// when too short, EAFNOSUPPORT for another family.
struct ReadAddress {
  Endpoint endpoint;
  int error = 0;
};
ReadAddress read_address(int domain, const sockaddr* address, socklen_t length);

// Writes as much of `endpoint` as `*length` has room for; `*length` becomes the whole length. Nothing happens
// when either is null.
void write_address(int domain, const Endpoint& endpoint, sockaddr* address, socklen_t* length);

}  // namespace millrace::socket
