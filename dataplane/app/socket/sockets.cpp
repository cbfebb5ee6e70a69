// The table of descriptors. Messages stand in messages.cpp, poll and epoll in polling.cpp.
#include "app/socket/sockets.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/socket/address.h"
#include "app/socket/options.h"

namespace millrace::socket {

Sockets::Sockets(app::Stack& stack, Numbers& numbers)
    : shared_{.stack = stack, .ports = {}}, numbers_(numbers) {}

Sockets::~Sockets() {
  for (const auto& [number, file] : files_) numbers_.give_back(number);
}

std::shared_ptr<File> Sockets::find(int number) const {
  const auto found = files_.find(number);
  return found == files_.end() ? nullptr : found->second;
}

std::shared_ptr<Socket> Sockets::find_socket(int number) const {
  return std::dynamic_pointer_cast<Socket>(find(number));
}

bool Sockets::holds(const Endpoint& local, const Endpoint& remote) const {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& entry) {
    const auto* socket = dynamic_cast<const Socket*>(entry.second.get());
    return socket != nullptr && !socket->listening() && socket->local() == local && socket->remote() == remote;
  });
}

Outcome Sockets::no_socket(int number) const { return Outcome::failed(owns(number) ? ENOTSOCK : EBADF); }

Outcome Sockets::enter(std::shared_ptr<File> file) {
  const int number = numbers_.take();
  if (number < 0) return Outcome::failed(EMFILE);
  files_[number] = std::move(file);
  return Outcome::ok(number);
}

Outcome Sockets::socket(int domain, int type, int protocol) {
  if (domain != AF_INET && domain != AF_INET6) return Outcome::failed(EAFNOSUPPORT);
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (kind != SOCK_STREAM) return Outcome::failed(kind == SOCK_DGRAM ? EPROTONOSUPPORT : EINVAL);
  if (protocol != 0 && protocol != IPPROTO_TCP) return Outcome::failed(EPROTONOSUPPORT);
  auto socket = std::make_shared<Socket>(shared_, domain);
  socket->nonblocking = (type & SOCK_NONBLOCK) != 0;
  return enter(std::move(socket));
}

Outcome Sockets::bind(int number, const sockaddr* address, socklen_t length) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  const ReadAddress local = read_address(socket->domain(), address, length);
  return local.error != 0 ? Outcome::failed(local.error) : socket->bind(local.endpoint);
}

Outcome Sockets::listen(int number, int backlog) {
  const auto socket = find_socket(number);
  return socket ? socket->listen(backlog) : no_socket(number);
}

void Sockets::settle_deferred() {
  while (shared_.next_deferred() <= shared_.stack.now()) shared_.deferred.begin()->second->stop_deferring();
}

Outcome Sockets::accept(int number, sockaddr* address, socklen_t* length, int flags, Call& call) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return Outcome::failed(EINVAL);
  settle_deferred();
  std::shared_ptr<Socket> accepted;
  const Outcome outcome = socket->accept(accepted, call);
  if (!accepted) return outcome;
  accepted->nonblocking = (flags & SOCK_NONBLOCK) != 0;
  write_address(accepted->domain(), accepted->remote(), address, length);
  return enter(std::move(accepted));
}

Outcome Sockets::connect(int number, const sockaddr* address, socklen_t length, Call& call) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  if (address != nullptr && length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC)
    return socket->disconnect();
  const ReadAddress remote = read_address(socket->domain(), address, length);
  return remote.error != 0 ? Outcome::failed(remote.error) : socket->connect(remote.endpoint, call);
}

Outcome Sockets::local_name(int number, sockaddr* address, socklen_t* length) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  Endpoint endpoint;
  const Outcome outcome = socket->local_name(endpoint);
  if (outcome.error == 0) write_address(socket->domain(), endpoint, address, length);
  return outcome;
}

Outcome Sockets::peer_name(int number, sockaddr* address, socklen_t* length) {
  const auto socket = find_socket(number);
  if (!socket) return no_socket(number);
  Endpoint endpoint;
  const Outcome outcome = socket->peer_name(endpoint);
  if (outcome.error == 0) write_address(socket->domain(), endpoint, address, length);
  return outcome;
}

Outcome Sockets::shutdown(int number, int how) {
  const auto socket = find_socket(number);
  return socket ? socket->shutdown(how) : no_socket(number);
}

Outcome Sockets::close(int number) {
  const auto found = files_.find(number);
  if (found == files_.end()) return Outcome::failed(EBADF);
  const std::shared_ptr<File> file = std::move(found->second);
  files_.erase(found);
  numbers_.give_back(number);
  file->leave_watchers();
  if (const auto socket = std::dynamic_pointer_cast<Socket>(file)) socket->close();
  return Outcome::ok();
}

Outcome Sockets::get_option(int number, int level, int name, void* value, socklen_t* length) {
  const auto socket = find_socket(number);
  return socket ? socket::get_option(*socket, level, name, value, length) : no_socket(number);
}

Outcome Sockets::set_option(int number, int level, int name, const void* value, socklen_t length) {
  const auto socket = find_socket(number);
  return socket ? socket::set_option(*socket, level, name, value, length) : no_socket(number);
}

Outcome Sockets::fcntl(int number, int command, long argument) {
  const auto file = find(number);
  if (!file) return Outcome::failed(EBADF);
  switch (command) {
    case F_GETFL:
      return Outcome::ok(O_RDWR | (file->nonblocking ? O_NONBLOCK : 0));
    case F_SETFL:
      file->nonblocking = (argument & O_NONBLOCK) != 0;
      return Outcome::ok();
    case F_GETFD:
    case F_SETFD:
      return Outcome::ok();
    default:
      return Outcome::failed(EINVAL);
  }
}

Outcome Sockets::ioctl(int number, unsigned long request, void* argument) {
  const auto file = find(number);
  if (!file) return Outcome::failed(EBADF);
  if (argument == nullptr) return Outcome::failed(EFAULT);
  if (request == FIONBIO) {
    int on = 0;
    std::memcpy(&on, argument, sizeof on);
    file->nonblocking = on != 0;
    return Outcome::ok();
  }
  const auto socket = find_socket(number);
  if (!socket) return Outcome::failed(ENOTTY);
  if (socket->listening()) return Outcome::failed(EINVAL);
  uint32_t octets = 0;
  switch (request) {
    case SIOCINQ:
      octets = socket->readable_bytes();
      break;
    case SIOCOUTQ:
      octets = socket->queued_bytes();
      break;
    case SIOCOUTQNSD:
      octets = socket->unsent_bytes();
      break;
    case SIOCATMARK:
      octets = socket->at_mark() ? 1 : 0;
      break;
    default:
      return Outcome::failed(ENOTTY);
  }
  const auto answer = static_cast<int>(octets);
  std::memcpy(argument, &answer, sizeof answer);
  return Outcome::ok();
}

}  // namespace millrace::socket
