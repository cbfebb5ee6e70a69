// The descriptor layer of one shard: POSIX's socket calls as Linux answers them, over app::Stack. Every call
// is an attempt that never sleeps (outcome.h); who blocks does so outside, and runs the shard meanwhile. The
// time is the stack's: that of the present iteration.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <map>
#include <memory>
#include <span>

#include "app/socket/epoll.h"
#include "app/socket/numbers.h"
#include "app/socket/socket.h"

namespace millrace::socket {

class Sockets {
 public:
  // Both outlive this.
  Sockets(app::Stack& stack, Numbers& numbers);
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  // Grows with everything that a blocked call may wait for.
  uint64_t changes() const { return shared_.changes; }
  // Of listeners that do not say by TCP_FASTOPEN.
  void set_fast_open_queue(uint32_t queue) { shared_.fast_open_queue = queue; }
  bool owns(int number) const { return files_.contains(number); }

  Outcome socket(int domain, int type, int protocol);
  Outcome bind(int number, const sockaddr* address, socklen_t length);
  Outcome listen(int number, int backlog);
  // `flags` are accept4()'s.
  Outcome accept(int number, sockaddr* address, socklen_t* length, int flags, Call& call);
  Outcome connect(int number, const sockaddr* address, socklen_t length, Call& call);
  Outcome local_name(int number, sockaddr* address, socklen_t* length);
  Outcome peer_name(int number, sockaddr* address, socklen_t* length);

  Outcome receive(int number, std::span<const iovec> into, int flags, Call& call);
  Outcome receive_message(int number, msghdr* message, int flags, Call& call);
  // `address` as of sendto(); it matters with MSG_FASTOPEN alone.
  Outcome send(int number, std::span<const iovec> from, int flags, Call& call,
               const sockaddr* address = nullptr, socklen_t address_length = 0);
  Outcome send_message(int number, const msghdr* message, int flags, Call& call);

  Outcome shutdown(int number, int how);
  Outcome close(int number);
  Outcome get_option(int number, int level, int name, void* value, socklen_t* length);
  Outcome set_option(int number, int level, int name, const void* value, socklen_t length);
  Outcome fcntl(int number, int command, long argument);
  Outcome ioctl(int number, unsigned long request, void* argument);

  Outcome poll(std::span<pollfd> polled, Call& call, int limit_ms);
  Outcome epoll_create(int flags);
  Outcome epoll_control(int number, int operation, int of, const epoll_event* event);
  Outcome epoll_wait(int number, std::span<epoll_event> out, Call& call, int limit_ms);

  // Whether a descriptor has, or had, the connection between these two ends: one in TIME-WAIT, say.
  bool holds(const Endpoint& local, const Endpoint& remote) const;

  // What stands behind a number; null: nothing, or something else.
  std::shared_ptr<Socket> find_socket(int number) const;

 private:
  std::shared_ptr<File> find(int number) const;
  Outcome enter(std::shared_ptr<File> file);
  // Those whose wait for text has taken too long may be accepted (TCP_DEFER_ACCEPT).
  void settle_deferred();
  // The error of a call that wanted a socket.
  Outcome no_socket(int number) const;

  Shared shared_;
  Numbers& numbers_;
  std::map<int, std::shared_ptr<File>> files_;
};

}  // namespace millrace::socket
