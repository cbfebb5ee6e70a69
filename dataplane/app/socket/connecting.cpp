// bind, connect, and the names of both ends. Neighbour: socket.h.
#include <algorithm>
#include <cerrno>
#include <vector>

#include "app/socket/address.h"
#include "app/socket/socket.h"
#include "app/socket/tcp_info.h"

namespace millrace::socket {

namespace {

int errno_of(app::OpenError error) {
  using enum app::OpenError;
  switch (error) {
    case None:
      return 0;
    case NoRoute:
      return ENETUNREACH;
    case NoPorts:
    case AddressInUse:  // of a connect(): the pair of ends is taken
    case AddressNotOurs:
      return EADDRNOTAVAIL;
    case NoMemory:
      return ENOBUFS;
    case BadAddress:
      return ENETUNREACH;
    case Draining:
      return ENETDOWN;
  }
  return EINVAL;
}

// The first `most` octets of the caller's buffers, in one piece.
std::vector<uint8_t> gather(std::span<const iovec> from, size_t most) {
  std::vector<uint8_t> octets;
  for (const iovec& buffer : from) {
    const auto* begin = static_cast<const uint8_t*>(buffer.iov_base);
    octets.insert(octets.end(), begin, begin + std::min(buffer.iov_len, most - octets.size()));
  }
  return octets;
}

}  // namespace

Outcome Socket::bind(const Endpoint& local) {
  if (bound_ || phase_ != Phase::Fresh || listening_) return Outcome::failed(EINVAL);
  if (domain_ == AF_INET6 && settings_.v6_only && local.address.is_v4()) return Outcome::failed(EINVAL);
  if (!local.address.is_unspecified() && !settings_.free_bind && !shared_->stack.is_local(local.address))
    return Outcome::failed(EADDRNOTAVAIL);
  const Ports::Sharing sharing{.address = settings_.reuse_address, .port = settings_.reuse_port};
  Endpoint wanted = local;
  if (wanted.port == 0) {
    const std::optional<uint16_t> port = shared_->ports.choose(wanted.address);
    if (!port) return Outcome::failed(EADDRINUSE);
    wanted.port = *port;
  } else if (!shared_->ports.free(wanted, sharing)) {
    return Outcome::failed(EADDRINUSE);
  }
  shared_->ports.hold(*this, wanted, sharing);
  port_held_ = true;
  bound_ = wanted;
  return Outcome::ok();
}

app::ConnectOptions Socket::connect_options(const Endpoint& remote) const {
  app::ConnectOptions options;
  options.remote = remote;
  if (bound_) {
    if (!bound_->address.is_unspecified()) options.local_address = bound_->address;
    options.local_port = bound_->port;
  }
  options.settings = connection_params();
  return options;
}

Outcome Socket::begin_connect(const Endpoint& remote, bool fast_open, std::span<const uint8_t> data,
                              Call* call) {
  if (domain_ == AF_INET6 && settings_.v6_only && remote.address.is_v4()) return Outcome::failed(ENETUNREACH);
  remote_ = remote;
  app::ConnectOptions options = connect_options(remote);
  options.fast_open = fast_open;
  options.data = data;
  const app::OpenResult opened = shared_->stack.connect(options, *this);
  if (opened.connection == nullptr) return Outcome::failed(errno_of(opened.error));
  if (call != nullptr) call->done = opened.taken;
  connection_ = opened.connection;
  phase_ = Phase::Connecting;
  established_ = answer_expected_ = false;
  connect_reported_ = false;
  receive_shut_ = send_shut_ = false;
  error_ = 0;
  left_over_.clear();
  last_info_.reset();
  local_ = connection_->local();
  apply_settings();
  return Outcome::ok();
}

Outcome Socket::send_fast(const Endpoint& remote, std::span<const iovec> from, int flags, Call& call) {
  const bool first = !call.begun;
  const bool blocks = !nonblocking && (flags & MSG_DONTWAIT) == 0;
  call.begin(shared_->stack.now(), settings_.send_timeout);
  if (phase_ == Phase::Fresh || phase_ == Phase::Deferred) {
    if (listening_) return Outcome::failed(EISCONN);
    const std::optional<Bytes> room = shared_->stack.fast_open_room(connect_options(remote));
    if (!room) return Outcome::failed(EOPNOTSUPP);
    // No more than the SYN takes: the rest waits for the connection, as any other text does.
    const std::vector<uint8_t> early = gather(from, *room);
    const Outcome begun = begin_connect(remote, true, early, &call);
    if (begun.error != 0) return begun;
    connect_reported_ = true;
    if (call.done != 0 && !blocks) return Outcome::ok(static_cast<int64_t>(call.done));
    if (!blocks) return Outcome::failed(EINPROGRESS);
    uint64_t want = 0;
    for (const iovec& buffer : from) want += buffer.iov_len;
    answer_expected_ = call.done < want;
    return Outcome::wait(call.deadline);
  }
  if (first && phase_ == Phase::Connecting && connection_ != nullptr) return Outcome::failed(EALREADY);
  return send(from, flags, call);
}

Outcome Socket::connect(const Endpoint& remote, Call& call) {
  if (listening_) return Outcome::failed(EISCONN);
  const bool first = !call.begun;
  call.begin(shared_->stack.now(), settings_.send_timeout);
  int not_yet = EINPROGRESS;
  if (first) {
    if (phase_ == Phase::Over || phase_ == Phase::Deferred ||
        (phase_ == Phase::Connected && connect_reported_))
      return Outcome::failed(EISCONN);
    if (phase_ == Phase::Fresh) {
      if (settings_.fast_open_connect && shared_->stack.fast_open_room(connect_options(remote)).value_or(0) != 0) {
        phase_ = Phase::Deferred;
        remote_ = remote;
        return Outcome::ok();
      }
      const Outcome begun = begin_connect(remote, settings_.fast_open_connect, {}, nullptr);
      if (begun.error != 0) return begun;
    } else {
      not_yet = EALREADY;
    }
  }
  if (phase_ != Phase::Connecting || connection_ == nullptr) return conclude_connect();
  if (nonblocking || shared_->stack.now() >= call.deadline) return Outcome::failed(not_yet);
  return Outcome::wait(call.deadline);
}

Outcome Socket::conclude_connect() {
  if (phase_ == Phase::Connecting) {  // and the connection has gone
    phase_ = Phase::Fresh;
    const int error = take_error();
    return Outcome::failed(error != 0 ? error : ECONNABORTED);
  }
  connect_reported_ = true;
  return Outcome::ok();
}

Outcome Socket::disconnect() {
  if (listening_) stop_listening();
  if (connection_ != nullptr) {
    app::Connection& connection = *connection_;
    let_go();
    connection.set_handler(orphans());
    connection.abort();
  }
  phase_ = Phase::Fresh;
  established_ = false;
  error_ = 0;
  receive_shut_ = send_shut_ = false;
  left_over_.clear();
  left_over_read_ = 0;
  remote_ = {};
  return Outcome::ok();
}

Outcome Socket::local_name(Endpoint& out) const {
  if (connection_ != nullptr || phase_ == Phase::Over)
    out = local_;
  else
    out = bound_.value_or(Endpoint{any_address(domain_ == AF_INET ? Family::V4 : Family::V6), 0});
  return Outcome::ok();
}

Outcome Socket::peer_name(Endpoint& out) const {
  if (connection_ == nullptr || phase_ != Phase::Connected) return Outcome::failed(ENOTCONN);
  out = remote_;
  return Outcome::ok();
}

}  // namespace millrace::socket
