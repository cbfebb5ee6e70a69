// The function table that packetdrill loads (a shared object's packetdrill_interface_init fills it): 33
// words, the first of which comes back as every function's first argument. Linux's constants and structs.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace millrace::packetdrill {

struct Interface {
  void* self;
  void (*free)(void*);

  int (*socket)(void*, int domain, int type, int protocol);
  int (*bind)(void*, int fd, const sockaddr* address, socklen_t length);
  int (*listen)(void*, int fd, int backlog);
  int (*accept)(void*, int fd, sockaddr* address, socklen_t* length);
  int (*connect)(void*, int fd, const sockaddr* address, socklen_t length);

  ssize_t (*read)(void*, int fd, void* octets, size_t count);
  ssize_t (*readv)(void*, int fd, const iovec* buffers, int count);
  ssize_t (*recv)(void*, int fd, void* octets, size_t count, int flags);
  ssize_t (*recvfrom)(void*, int fd, void* octets, size_t count, int flags, sockaddr* from,
                      socklen_t* length);
  ssize_t (*recvmsg)(void*, int fd, msghdr* message, int flags);

  ssize_t (*write)(void*, int fd, const void* octets, size_t count);
  ssize_t (*writev)(void*, int fd, const iovec* buffers, int count);
  ssize_t (*send)(void*, int fd, const void* octets, size_t count, int flags);
  ssize_t (*sendto)(void*, int fd, const void* octets, size_t count, int flags, const sockaddr* to,
                    socklen_t length);
  ssize_t (*sendmsg)(void*, int fd, const msghdr* message, int flags);

  int (*fcntl)(void*, int fd, int command, ...);
  int (*ioctl)(void*, int fd, unsigned long request, ...);
  int (*close)(void*, int fd);
  int (*shutdown)(void*, int fd, int how);
  int (*getsockopt)(void*, int fd, int level, int name, void* value, socklen_t* length);
  int (*setsockopt)(void*, int fd, int level, int name, const void* value, socklen_t length);
  int (*poll)(void*, pollfd* polled, nfds_t count, int timeout_ms);

  // A bare IP packet for the stack.
  int (*netdev_send)(void*, const void* packet, size_t length);
  // The next bare IP packet from the stack, and when it left, in microseconds. Length 0: none will ever come.
  int (*netdev_receive)(void*, void* packet, size_t* length, long long* time);
  int (*usleep)(void*, useconds_t micros);
  int (*gettimeofday)(void*, timeval* time, struct timezone* zone);

  int (*epoll_create)(void*, int size);
  int (*epoll_ctl)(void*, int epoll, int operation, int fd, epoll_event* event);
  int (*epoll_wait)(void*, int epoll, epoll_event* events, int count, int timeout_ms);
  int (*pipe)(void*, int fds[2]);
  int (*splice)(void*, int from, off64_t* from_offset, int to, off64_t* to_offset, size_t count,
                unsigned int flags);
};
static_assert(sizeof(Interface) == 33 * sizeof(void*));

using Init = void (*)(const char* flags, Interface* table);

}  // namespace millrace::packetdrill
