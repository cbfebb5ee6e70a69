// poll() and the descriptors of epoll. Neighbours: sockets.h, epoll.h.
#include <cerrno>

#include "app/socket/sockets.h"

namespace millrace::socket {

static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP &&
              EPOLLPRI == POLLPRI);

Outcome Sockets::poll(std::span<pollfd> polled, Call& call, int limit_ms) {
  const Instant now = shared_.stack.now();
  if (!call.begun) {
    call.begun = true;
    call.deadline = limit_ms < 0 ? kNever : now + Micros(int64_t{limit_ms} * 1000);
  }
  settle_deferred();
  int64_t ready = 0;
  for (pollfd& entry : polled) {
    entry.revents = 0;
    if (entry.fd < 0) continue;
    const auto file = find(entry.fd);
    const auto wanted = static_cast<uint16_t>(entry.events) | uint32_t{POLLERR} | uint32_t{POLLHUP};
    entry.revents = file ? static_cast<short>(file->readiness() & wanted) : static_cast<short>(POLLNVAL);
    if (entry.revents != 0) ++ready;
  }
  if (ready != 0 || now >= call.deadline) return Outcome::ok(ready);
  return Outcome::wait(earlier(call.deadline, shared_.next_deferred()));
}

Outcome Sockets::epoll_create(int flags) {
  if ((flags & ~EPOLL_CLOEXEC) != 0) return Outcome::failed(EINVAL);
  return enter(std::make_shared<Epoll>(shared_.changes));
}

Outcome Sockets::epoll_control(int number, int operation, int of, const epoll_event* event) {
  const auto file = find(number);
  const auto target = find(of);
  if (!file || !target) return Outcome::failed(EBADF);
  const auto epoll = std::dynamic_pointer_cast<Epoll>(file);
  return epoll ? epoll->control(operation, of, *target, event) : Outcome::failed(EINVAL);
}

Outcome Sockets::epoll_wait(int number, std::span<epoll_event> out, Call& call, int limit_ms) {
  const auto file = find(number);
  if (!file) return Outcome::failed(EBADF);
  const auto epoll = std::dynamic_pointer_cast<Epoll>(file);
  if (!epoll) return Outcome::failed(EINVAL);
  settle_deferred();
  Outcome outcome = epoll->wait(out, shared_.stack.now(), call, limit_ms);
  if (outcome.blocked) outcome.until = earlier(outcome.until, shared_.next_deferred());
  return outcome;
}

}  // namespace millrace::socket
