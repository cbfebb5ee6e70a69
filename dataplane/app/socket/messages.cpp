// Octets in and out of descriptors, with and without a msghdr. Neighbours: sockets.h; socket.h does the work.
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "app/socket/address.h"
#include "app/socket/sockets.h"

namespace millrace::socket {

namespace {

constexpr size_t kMostBuffers = 1024;  // UIO_MAXIOV
constexpr int kTcpInquire = 36;        // TCP_CM_INQ of Linux

bool too_long(std::span<const iovec> buffers) {
  uint64_t octets = 0;
  for (const iovec& buffer : buffers) {
    if (buffer.iov_len > SSIZE_MAX || (octets += buffer.iov_len) > SSIZE_MAX) return true;
  }
  return false;
}

int bad_buffers(std::span<const iovec> buffers) {
  if (too_long(buffers)) return EINVAL;
  const bool hole = std::any_of(buffers.begin(), buffers.end(), [](const iovec& buffer) {
    return buffer.iov_base == nullptr && buffer.iov_len != 0;
  });
  return hole ? EFAULT : 0;
}

// Octets still readable, where the socket has asked for TCP_INQ.
void write_inquiry(const Socket& socket, msghdr* message) {
  const socklen_t room = message->msg_control == nullptr ? 0 : message->msg_controllen;
  message->msg_controllen = 0;
  if (!socket.settings().inquire) return;
  if (room < CMSG_SPACE(sizeof(int))) {
    message->msg_flags |= MSG_CTRUNC;
    return;
  }
  message->msg_controllen = CMSG_SPACE(sizeof(int));
  cmsghdr* control = CMSG_FIRSTHDR(message);
  control->cmsg_level = IPPROTO_TCP;
  control->cmsg_type = kTcpInquire;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  // The end of the stream can be read, too; Linux tells of it as one octet.
  const auto left = std::max(static_cast<int>(socket.readable_bytes()), socket.at_end() ? 1 : 0);
  std::memcpy(CMSG_DATA(control), &left, sizeof left);
}

}  // namespace

Outcome Sockets::receive(int number, std::span<const iovec> into, int flags, Call& call) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  // With MSG_TRUNC nothing is written, so that there need be no buffer.
  if ((flags & MSG_TRUNC) == 0)
    if (const int error = bad_buffers(into); error != 0) return Outcome::failed(error);
  return socket->receive(into, flags, call);
}

Outcome Sockets::receive_message(int number, msghdr* message, int flags, Call& call) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  if (message == nullptr) return Outcome::failed(EFAULT);
  if (message->msg_iovlen > kMostBuffers) return Outcome::failed(EMSGSIZE);
  const std::span<const iovec> into(message->msg_iov, message->msg_iovlen);
  if ((flags & MSG_TRUNC) == 0)
    if (const int error = bad_buffers(into); error != 0) return Outcome::failed(error);
  int message_flags = 0;
  const Outcome outcome = socket->receive(into, flags, call, &message_flags);
  if (outcome.blocked || outcome.error != 0) return outcome;
  message->msg_flags = message_flags;
  message->msg_namelen = 0;  // a stream has no addresses in its messages
  write_inquiry(*socket, message);
  return outcome;
}

Outcome Sockets::send(int number, std::span<const iovec> from, int flags, Call& call, const sockaddr* address,
                      socklen_t address_length) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  if (const int error = bad_buffers(from); error != 0) return Outcome::failed(error);
  if ((flags & MSG_FASTOPEN) != 0 && (address != nullptr || socket->connection() == nullptr)) {
    if (address == nullptr) return Outcome::failed(EDESTADDRREQ);
    if (address_length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC)
      return Outcome::failed(EOPNOTSUPP);
    const ReadAddress remote = read_address(socket->domain(), address, address_length);
    return remote.error != 0 ? Outcome::failed(remote.error)
                             : socket->send_fast(remote.endpoint, from, flags, call);
  }
  return socket->send(from, flags, call);
}

Outcome Sockets::send_message(int number, const msghdr* message, int flags, Call& call) {
  if (message == nullptr) return Outcome::failed(EFAULT);
  if (message->msg_iovlen > kMostBuffers) return Outcome::failed(EMSGSIZE);
  return send(number, {message->msg_iov, message->msg_iovlen}, flags, call,
              static_cast<const sockaddr*>(message->msg_name), message->msg_namelen);
}

}  // namespace millrace::socket
