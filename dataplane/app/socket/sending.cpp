// From the caller's buffers to the connection, as tcp_sendmsg() of Linux decides. Neighbour: socket.h.
#include <algorithm>
#include <cerrno>

#include "app/socket/socket.h"

namespace millrace::socket {

// Octets that may be queued now: the send buffer's room, and no more unsent than TCP_NOTSENT_LOWAT allows.
uint32_t Socket::room() const {
  const uint32_t unsent = connection_->unsent_bytes();
  if (unsent >= not_sent_limit()) return 0;
  return std::min(connection_->writable_bytes(), not_sent_limit() - unsent);
}

// Queues from the `skip`th octet on, as much as there is room for.
uint64_t Socket::send_from(std::span<const iovec> from, uint64_t skip, bool urgent) {
  uint64_t moved = 0;
  for (const iovec& buffer : from) {
    if (skip >= buffer.iov_len) {
      skip -= buffer.iov_len;
      continue;
    }
    const std::span<const uint8_t> octets(static_cast<const uint8_t*>(buffer.iov_base) + skip,
                                          buffer.iov_len - skip);
    const auto part = octets.first(std::min<size_t>(octets.size(), room()));
    const uint32_t sent = urgent ? connection_->send_urgent(part) : connection_->send(part);
    moved += sent;
    if (sent < octets.size()) break;
    skip = 0;
  }
  return moved;
}

Outcome Socket::send(std::span<const iovec> from, int flags, Call& call) {
  if (phase_ == Phase::Deferred) return send_fast(remote_, from, flags, call);
  const bool blocks = !nonblocking && (flags & MSG_DONTWAIT) == 0;
  const Instant now = shared_->stack.now();
  call.begin(now, settings_.send_timeout);
  const bool may_wait = blocks && now < call.deadline;
  uint64_t want = 0;
  for (const iovec& buffer : from) want += buffer.iov_len;
  const auto finish = [&](int error) {
    return call.done != 0 ? Outcome::ok(static_cast<int64_t>(call.done)) : Outcome::failed(error);
  };
  // What a SYN carried in vain was not sent.
  if (error_ != 0) return call.done != 0 && established_ ? finish(0) : Outcome::failed(take_error());
  if (connection_ == nullptr || send_shut_ || listening_) return finish(EPIPE);
  if (phase_ == Phase::Connecting) {
    answer_expected_ |= may_wait;
    return may_wait ? Outcome::wait(call.deadline) : finish(EAGAIN);
  }
  // Once it has waited it goes on when that is worth the while, as poll would say.
  if (call.done == 0 || writable()) {
    connection_->set_cork(settings_.cork || (flags & MSG_MORE) != 0);
    call.done += send_from(from, call.done, (flags & MSG_OOB) != 0);
  }
  if (call.done == want) return Outcome::ok(static_cast<int64_t>(call.done));
  connection_->request_writable();
  return may_wait ? Outcome::wait(call.deadline) : finish(EAGAIN);
}

}  // namespace millrace::socket
