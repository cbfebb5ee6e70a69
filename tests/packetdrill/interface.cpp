// The exported entry point, and the table's functions: each takes its arguments apart and asks Threads.
#include "interface.h"

#include <sys/syscall.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "app/socket/address.h"
#include "threads.h"

namespace millrace::packetdrill {

namespace {

using socket::Call;
using socket::Outcome;
using socket::Sockets;

Threads& of(void* self) { return *static_cast<Threads*>(self); }

template <typename F>
int call(void* self, F&& attempt) {
  return static_cast<int>(of(self).call(attempt));
}

// The tool never configures addresses: what a script binds to is ours.
void own(void* self, const sockaddr* address, socklen_t length) {
  for (const int domain : {AF_INET, AF_INET6}) {
    const socket::ReadAddress read = socket::read_address(domain, address, length);
    if (read.error == 0) of(self).own(read.endpoint.address);
  }
}

// The one that the tool has loaded.
Threads* loaded = nullptr;

void destroy(void* self) {
  if (loaded == self) loaded = nullptr;
  delete static_cast<Threads*>(self);
}

int make_socket(void* self, int domain, int type, int protocol) {
  return call(self, [=](Sockets& sockets, Call&) { return sockets.socket(domain, type, protocol); });
}
int bind(void* self, int fd, const sockaddr* address, socklen_t length) {
  own(self, address, length);
  return call(self, [=](Sockets& sockets, Call&) { return sockets.bind(fd, address, length); });
}
int listen(void* self, int fd, int backlog) {
  return call(self, [=](Sockets& sockets, Call&) { return sockets.listen(fd, backlog); });
}
int accept(void* self, int fd, sockaddr* address, socklen_t* length) {
  return call(self, [=](Sockets& sockets, Call& c) { return sockets.accept(fd, address, length, 0, c); });
}
int connect(void* self, int fd, const sockaddr* address, socklen_t length) {
  return call(self, [=](Sockets& sockets, Call& c) { return sockets.connect(fd, address, length, c); });
}

ssize_t receive(void* self, int fd, std::span<const iovec> into, int flags) {
  return of(self).call([=](Sockets& sockets, Call& c) { return sockets.receive(fd, into, flags, c); });
}
ssize_t read(void* self, int fd, void* octets, size_t count) {
  const iovec into{octets, count};
  return receive(self, fd, {&into, 1}, 0);
}
ssize_t readv(void* self, int fd, const iovec* buffers, int count) {
  if (count < 0) return errno = EINVAL, -1;
  return receive(self, fd, {buffers, static_cast<size_t>(count)}, 0);
}
ssize_t recv(void* self, int fd, void* octets, size_t count, int flags) {
  const iovec into{octets, count};
  return receive(self, fd, {&into, 1}, flags);
}
// A stream's octets come from nobody in particular: the address stays as it is.
ssize_t recvfrom(void* self, int fd, void* octets, size_t count, int flags, sockaddr*, socklen_t*) {
  return recv(self, fd, octets, count, flags);
}
ssize_t recvmsg(void* self, int fd, msghdr* message, int flags) {
  return of(self).call(
      [=](Sockets& sockets, Call& c) { return sockets.receive_message(fd, message, flags, c); });
}

ssize_t transmit(void* self, int fd, std::span<const iovec> from, int flags, const sockaddr* to = nullptr,
                 socklen_t length = 0) {
  return of(self).call(
      [=](Sockets& sockets, Call& c) { return sockets.send(fd, from, flags, c, to, length); });
}
ssize_t write(void* self, int fd, const void* octets, size_t count) {
  const iovec from{const_cast<void*>(octets), count};
  return transmit(self, fd, {&from, 1}, 0);
}
ssize_t writev(void* self, int fd, const iovec* buffers, int count) {
  if (count < 0) return errno = EINVAL, -1;
  return transmit(self, fd, {buffers, static_cast<size_t>(count)}, 0);
}
ssize_t send(void* self, int fd, const void* octets, size_t count, int flags) {
  const iovec from{const_cast<void*>(octets), count};
  return transmit(self, fd, {&from, 1}, flags);
}
ssize_t sendto(void* self, int fd, const void* octets, size_t count, int flags, const sockaddr* to,
               socklen_t length) {
  const iovec from{const_cast<void*>(octets), count};
  return transmit(self, fd, {&from, 1}, flags, to, length);
}
ssize_t sendmsg(void* self, int fd, const msghdr* message, int flags) {
  return of(self).call(
      [=](Sockets& sockets, Call& c) { return sockets.send_message(fd, message, flags, c); });
}

int fcntl(void* self, int fd, int command, ...) {
  long argument = 0;
  if (command != F_GETFL && command != F_GETFD) {
    va_list rest;
    va_start(rest, command);
    argument = va_arg(rest, int);
    va_end(rest);
  }
  return call(self, [=](Sockets& sockets, Call&) { return sockets.fcntl(fd, command, argument); });
}
int ioctl(void* self, int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return call(self, [=](Sockets& sockets, Call&) { return sockets.ioctl(fd, request, argument); });
}
int close(void* self, int fd) {
  return call(self, [=](Sockets& sockets, Call&) { return sockets.close(fd); });
}
int shutdown(void* self, int fd, int how) {
  return call(self, [=](Sockets& sockets, Call&) { return sockets.shutdown(fd, how); });
}

// TCP_INFO answers exactly the length that was asked for, fields that we do not know being zero.
int getsockopt(void* self, int fd, int level, int name, void* value, socklen_t* length) {
  const bool info = level == IPPROTO_TCP && name == TCP_INFO && value != nullptr && length != nullptr;
  const socklen_t asked = info ? *length : 0;
  if (info) std::memset(value, 0, asked);
  const int result =
      call(self, [=](Sockets& sockets, Call&) { return sockets.get_option(fd, level, name, value, length); });
  if (info && result == 0) *length = asked;
  return result;
}
int setsockopt(void* self, int fd, int level, int name, const void* value, socklen_t length) {
  return call(self,
              [=](Sockets& sockets, Call&) { return sockets.set_option(fd, level, name, value, length); });
}
int poll(void* self, pollfd* polled, nfds_t count, int timeout_ms) {
  return call(self, [=](Sockets& sockets, Call& c) { return sockets.poll({polled, count}, c, timeout_ms); });
}

int netdev_send(void* self, const void* packet, size_t length) {
  return of(self).inject({static_cast<const uint8_t*>(packet), length}) ? 0 : -1;
}
int netdev_receive(void* self, void* packet, size_t* length, long long* time) {
  const std::optional<Stack::Sent> sent = of(self).receive();
  const size_t count = sent ? std::min(*length, sent->packet.size()) : 0;
  if (sent) std::memcpy(packet, sent->packet.data(), count);
  if (sent) *time = sent->at.time_since_epoch().count();
  *length = count;
  return 0;
}
int sleep(void* self, useconds_t micros) {
  of(self).sleep(Micros(micros));
  return 0;
}
int time_of_day(void* self, timeval* time, struct timezone*) {
  const int64_t micros = of(self).time_of_day().time_since_epoch().count();
  *time = {.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
  return 0;
}

int epoll_create(void* self, int size) {
  if (size <= 0) return errno = EINVAL, -1;
  return call(self, [](Sockets& sockets, Call&) { return sockets.epoll_create(0); });
}
int epoll_ctl(void* self, int epoll, int operation, int fd, epoll_event* event) {
  return call(self,
              [=](Sockets& sockets, Call&) { return sockets.epoll_control(epoll, operation, fd, event); });
}
int epoll_wait(void* self, int epoll, epoll_event* events, int count, int timeout_ms) {
  if (count <= 0) return errno = EINVAL, -1;
  return call(self, [=](Sockets& sockets, Call& c) {
    return sockets.epoll_wait(epoll, {events, static_cast<size_t>(count)}, c, timeout_ms);
  });
}
int pipe(void*, int*) { return errno = ENOSYS, -1; }
int splice(void*, int, off64_t*, int, off64_t*, size_t, unsigned int) { return errno = ENOSYS, -1; }

}  // namespace

}  // namespace millrace::packetdrill

extern "C" [[gnu::visibility("default")]] void packetdrill_interface_init(
    const char* flags, millrace::packetdrill::Interface* table) {
  using namespace millrace::packetdrill;
  loaded = new Threads(Flags(flags));
  *table = {loaded,       destroy,    make_socket, bind,        listen,         accept, connect,
            read,         readv,      recv,        recvfrom,    recvmsg,        write,  writev,
            send,         sendto,     sendmsg,     fcntl,       ioctl,          close,  shutdown,
            getsockopt,   setsockopt, poll,        netdev_send, netdev_receive, sleep,  time_of_day,
            epoll_create, epoll_ctl,  epoll_wait,  pipe,        splice};
}

// The tool's assertions in scripts ask the kernel for TCP_INFO of a descriptor, and not the table. Preloaded,
// this answers for those that are ours (tests/packetdrill/run does so).
extern "C" [[gnu::visibility("default")]] int getsockopt(int fd, int level, int name, void* value,
                                                         socklen_t* length) noexcept {
  using namespace millrace::packetdrill;
  if (loaded != nullptr && loaded->owns(fd))
    return millrace::packetdrill::getsockopt(loaded, fd, level, name, value, length);
  return static_cast<int>(::syscall(SYS_getsockopt, fd, level, name, value, length));
}
