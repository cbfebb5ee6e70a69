// From the connection to the caller's buffers, as tcp_recvmsg() of Linux decides. Neighbour: socket.h.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/socket/socket.h"

namespace millrace::socket {

namespace {

uint64_t total(std::span<const iovec> buffers) {
  uint64_t octets = 0;
  for (const iovec& buffer : buffers) octets += buffer.iov_len;
  return octets;
}

}  // namespace

// Up to out.size() octets from `offset` on; without `peek` they are consumed, and `offset` is 0.
uint32_t Socket::take(std::span<uint8_t> out, uint32_t offset, bool peek, bool discard) {
  uint32_t count = static_cast<uint32_t>(
      std::min<size_t>(out.size(), readable_bytes() - std::min(offset, readable_bytes())));
  if (count == 0) return 0;
  if (connection_ != nullptr) {
    if (!discard) connection_->peek(offset, out.first(count));
    if (!peek) connection_->consume(count);
    return count;
  }
  if (!discard) std::memcpy(out.data(), left_over_.data() + left_over_read_ + offset, count);
  if (!peek) left_over_read_ += count;
  return count;
}

// Fills the buffers from their `skip`th octet on; at most `limit` octets.
uint64_t Socket::receive_into(std::span<const iovec> into, uint64_t skip, uint64_t limit, int flags) {
  const bool peek = (flags & MSG_PEEK) != 0;
  uint64_t moved = 0;
  for (const iovec& buffer : into) {
    if (skip >= buffer.iov_len) {
      skip -= buffer.iov_len;
      continue;
    }
    const uint64_t want = std::min<uint64_t>(buffer.iov_len - skip, limit - moved);
    if (want == 0) break;
    const std::span<uint8_t> out(static_cast<uint8_t*>(buffer.iov_base) + skip, want);
    const uint32_t got = take(out, peek ? static_cast<uint32_t>(moved) : 0, peek, (flags & MSG_TRUNC) != 0);
    moved += got;
    if (got < want) break;
    skip = 0;
  }
  return moved;
}

Outcome Socket::receive(std::span<const iovec> into, int flags, Call& call, int* message_flags) {
  if (message_flags != nullptr) *message_flags = 0;
  if (listening_) return Outcome::failed(ENOTCONN);
  if ((flags & MSG_ERRQUEUE) != 0) return Outcome::failed(EAGAIN);
  if ((flags & MSG_OOB) != 0) return Outcome::failed(EINVAL);  // urgent octets stay in line (RFC 6093 §4)
  const bool blocks = !nonblocking && (flags & MSG_DONTWAIT) == 0;
  const Instant now = shared_->stack.now();
  call.begin(now, settings_.receive_timeout);
  const uint64_t want = total(into);
  const uint64_t low_water =
      std::min<uint64_t>(want, static_cast<uint64_t>(std::max(1, settings_.receive_low_water)));
  const uint64_t target = (flags & MSG_WAITALL) != 0 ? want : low_water;
  if ((flags & MSG_PEEK) != 0) call.done = 0;
  call.done += receive_into(into, call.done, want - call.done, flags);
  const auto done = static_cast<int64_t>(call.done);
  if (call.done != 0 && call.done >= target) return Outcome::ok(done);
  const bool over = connection_ == nullptr || connection_->peer_finished() || receive_shut_;
  const bool may_wait = blocks && now < call.deadline;
  if (done != 0 && (over || error_ != 0 || !may_wait)) return Outcome::ok(done);
  if (done == 0) {
    if (at_end()) return Outcome::ok(0);
    if (error_ != 0) return Outcome::failed(take_error());
    if (receive_shut_) return Outcome::ok(0);
    if (phase_ == Phase::Fresh) return Outcome::failed(ENOTCONN);
    if (phase_ == Phase::Over) return Outcome::ok(0);
    if (!may_wait) return Outcome::failed(EAGAIN);
  }
  return Outcome::wait(call.deadline);
}

}  // namespace millrace::socket
