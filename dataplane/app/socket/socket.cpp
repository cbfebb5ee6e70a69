// What happens to a socket's connection, what the socket is ready for, and its end. Neighbour: socket.h.
#include "app/socket/socket.h"

#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "app/socket/address.h"
#include "app/socket/tcp_info.h"

namespace millrace::socket {

namespace {

constexpr uint32_t kIn = EPOLLIN | EPOLLRDNORM;
constexpr uint32_t kOut = EPOLLOUT | EPOLLWRNORM;

int errno_of(app::CloseReason reason, bool peer_had_finished) {
  using enum app::CloseReason;
  switch (reason) {
    case Finished:
      return 0;
    case Reset:
      return peer_had_finished ? EPIPE : ECONNRESET;
    case Refused:
      return ECONNREFUSED;
    case TimedOut:
      return ETIMEDOUT;
    case Unreachable:
      return EHOSTUNREACH;
    case NoMemory:
      return ENOBUFS;
    case AddressInUse:
      return EADDRNOTAVAIL;
    case Aborted:
    case Internal:
      break;
  }
  return ECONNABORTED;
}

int errno_of(app::SoftError error) {
  using enum app::SoftError;
  switch (error) {
    case None:
    case Retransmitting:  // nobody has said anything
      return 0;
    case NetUnreachable:
      return ENETUNREACH;
    case ProtocolUnreachable:
      return ENOPROTOOPT;
    case PortUnreachable:
      return ECONNREFUSED;
    case ParameterProblem:
      return EPROTO;
    case HostUnreachable:
    case Prohibited:
    case TimeExceeded:
    case NeighborUnreachable:
      break;
  }
  return EHOSTUNREACH;
}

// How TCP's segments, which never exceed the MTU, follow IP_MTU_DISCOVER and IPV6_MTU_DISCOVER (ip(7), ipv6(7)).
PathMtuDiscovery discovery_of(int value, bool v4) {
  switch (value) {
    case IP_PMTUDISC_WANT:
    case IP_PMTUDISC_DO:
      return PathMtuDiscovery::On;
    case IP_PMTUDISC_PROBE:
      return PathMtuDiscovery::Ignored;
    default:  // DONT, INTERFACE, OMIT
      return v4 ? PathMtuDiscovery::Fragment : PathMtuDiscovery::Ignored;
  }
}

class Orphans final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override { connection.abort(); }
};

}  // namespace

app::Handler& orphans() {
  static Orphans handler;  // no state: all shards may share it
  return handler;
}

Socket::Socket(Shared& shared, int domain) : File(shared.changes), shared_(&shared), domain_(domain) {}

Socket::~Socket() {
  if (!closed_) close();
}

// ---- what the connection says
// ----------------------------------------------------------------------------------------------------

void Socket::on_established(app::Connection& connection) {
  if (listening_) return accept_connection(connection);
  established_ = true;
  phase_ = Phase::Connected;
  local_ = connection.local();
  if (answer_expected_) connection.set_quick_ack(false);
  wake(kOut);
}

void Socket::on_readable(app::Connection&) {
  stop_deferring();
  wake(kIn);
}

// Linux's rule: who waits for room is woken when a third of the buffer is free, not for every octet.
void Socket::on_writable(app::Connection& connection) {
  if (!writable()) return connection.request_writable();
  wake(kOut);
}

// RFC 9293 §3.9.1.8. Linux's TCP tells of it only where IP_RECVERR asks: else the connection just goes on.
void Socket::on_error(app::Connection&, app::SoftError error) {
  const bool asked = remote_.address.is_v4() ? settings_.receive_errors : settings_.receive_errors6;
  const int number = asked ? errno_of(error) : 0;
  if (number == 0) return;
  error_ = number;
  wake(EPOLLERR);
}

void Socket::on_urgent(app::Connection&) { wake(EPOLLPRI); }

void Socket::on_peer_finished(app::Connection&) {
  stop_deferring();
  wake(kIn | EPOLLRDHUP);
}

void Socket::on_closed(app::Connection& connection, app::CloseReason reason) {
  const std::vector<tcp::State> states = connection.tcb().cold.path.states();
  const auto last = std::find_if(states.rbegin(), states.rend(),
                                 [](tcp::State state) { return state != tcp::State::Closed; });
  const bool peer_had_finished = last != states.rend() && *last == tcp::State::CloseWait;
  if (phase_ == Phase::Connecting && reason == app::CloseReason::Reset) reason = app::CloseReason::Refused;
  if (error_ == 0) error_ = errno_of(reason, peer_had_finished);
  // What had come before the reset may still be read, as Linux has it.
  left_over_.resize(connection.readable_bytes());
  left_over_read_ = 0;
  connection.peek(0, left_over_);
  last_info_ = std::make_unique<const TcpInfo>(last_tcp_info(connection, shared_->stack.now()));
  let_go();
  stop_deferring();
  wake(kIn | kOut | EPOLLHUP | EPOLLRDHUP | (error_ != 0 ? EPOLLERR : 0U));
}

void Socket::let_go() {
  connection_ = nullptr;
  if (phase_ == Phase::Connected) phase_ = Phase::Over;
}

void Socket::adopt(app::Connection& connection) {
  connection_ = &connection;
  connection.set_handler(*this);
  local_ = connection.local();
  remote_ = connection.remote();
  established_ = true;
  connect_reported_ = true;
  phase_ = Phase::Connected;
  apply_settings();
}

// ---- what it is ready for
// ----------------------------------------------------------------------------------------------------

uint32_t Socket::readable_bytes() const {
  if (connection_ != nullptr) return connection_->readable_bytes();
  return static_cast<uint32_t>(left_over_.size() - left_over_read_);
}

uint32_t Socket::queued_bytes() const {
  return connection_ != nullptr ? connection_->unacknowledged_bytes() : 0;
}

uint32_t Socket::unsent_bytes() const { return connection_ != nullptr ? connection_->unsent_bytes() : 0; }

uint32_t Socket::send_buffer() const {
  return connection_ != nullptr ? connection_->tcb().cold.send_buffer : settings_.send_buffer;
}

tcp::State Socket::state() const {
  if (listening_) return tcp::State::Listen;
  return connection_ != nullptr ? connection_->state() : tcp::State::Closed;
}

bool Socket::at_end() const {
  if (readable_bytes() != 0) return false;
  if (connection_ != nullptr) return connection_->peer_finished();
  return phase_ == Phase::Over && error_ == 0;
}

// As sk_stream_is_writeable() of Linux: a third is free, and what is unsent is below TCP_NOTSENT_LOWAT.
bool Socket::writable() const {
  if (connection_ == nullptr || send_shut_) return true;  // an attempt will not wait
  const uint32_t queued = connection_->unacknowledged_bytes();
  const bool third_free = connection_->writable_bytes() >= queued / 2 && connection_->writable_bytes() != 0;
  return third_free && uint64_t{connection_->unsent_bytes()} * 2 < not_sent_limit();
}

bool Socket::reaches_low_water(uint64_t have) const {
  return have >= static_cast<uint64_t>(std::max(1, settings_.receive_low_water));
}

uint32_t Socket::readiness() const {
  if (listening_) return accept_queue_.empty() ? 0 : kIn;
  uint32_t events = 0;
  if (phase_ == Phase::Deferred) return kOut;
  const bool gone = connection_ == nullptr;
  // Nothing will come of a connect() that failed, either.
  const bool over = phase_ == Phase::Over || phase_ == Phase::Connecting;
  const bool peer_finished = gone ? over : connection_->peer_finished();
  const bool no_more = receive_shut_ || peer_finished;
  if (gone || (no_more && send_shut_)) events |= EPOLLHUP;
  if (no_more) events |= kIn | EPOLLRDHUP;
  if (phase_ != Phase::Connecting || gone) {
    if (readable_bytes() != 0 && reaches_low_water(readable_bytes())) events |= kIn;
    if (writable()) events |= kOut;
  }
  if (!gone && connection_->urgent_bytes() != 0) events |= EPOLLPRI;
  if (error_ != 0) events |= EPOLLERR;
  return events;
}

int Socket::take_error() { return std::exchange(error_, 0); }

// ---- the end
// ----------------------------------------------------------------------------------------------------

// What differs from the defaults; the rest is the shard's to say.
ConnectionParams Socket::connection_params() const {
  const Settings& s = settings_;
  ConnectionParams params;
  params.keepalive = s.keep_alive;
  if (s.keep_idle_seconds) params.keepalive_idle = std::chrono::seconds(*s.keep_idle_seconds);
  if (s.keep_interval_seconds) params.keepalive_interval = std::chrono::seconds(*s.keep_interval_seconds);
  if (s.keep_count) params.keepalive_probes = static_cast<uint32_t>(*s.keep_count);
  if (s.user_timeout_ms != 0) params.user_timeout = std::chrono::milliseconds(s.user_timeout_ms);
  if (s.linger2_seconds)  // 0 of ours is no limit
    params.fin_wait_2_timeout = std::max<Micros>(1us, std::chrono::seconds(*s.linger2_seconds));
  if (s.linger) params.linger = std::chrono::seconds(s.linger_seconds);
  if (s.syn_count) params.syn_retries = static_cast<uint32_t>(*s.syn_count);
  params.congestion_control = s.congestion;
  params.max_pacing_rate = s.max_pacing_rate;
  if (s.max_segment != 0) params.max_segment = static_cast<uint16_t>(s.max_segment);
  const bool v4 = remote_.address.is_v4() || domain_ == AF_INET;
  if (const std::optional<int> tos = v4 ? s.tos : s.traffic_class) params.dscp = static_cast<uint8_t>(*tos >> 2);
  if (s.priority != 0) params.priority = static_cast<uint8_t>(s.priority);
  if (const std::optional<int> discover = v4 ? s.mtu_discover : s.mtu_discover6)
    params.path_mtu_discovery = discovery_of(*discover, v4);
  if (const std::optional<int> limit = v4 ? s.ttl : s.hop_limit; limit && *limit > 0)
    params.hop_limit = static_cast<uint8_t>(*limit);
  return params;
}

void Socket::apply_settings() {
  if (listening_)
    for (const Endpoint& local : listening_on_) {
      shared_->stack.set_listening(local, connection_params());
      shared_->stack.set_fast_open_pending(local, fast_open_queue());
    }
  if (connection_ == nullptr) return;
  if (const ConnectionParams params = connection_params(); connection_->settings() != params)
    connection_->set(params);
  if (settings_.no_delay) connection_->set_no_delay(*settings_.no_delay);
  connection_->set_cork(settings_.cork);
  if (settings_.send_buffer != 0) connection_->set_send_buffer(settings_.send_buffer);
  if (settings_.receive_buffer != 0) connection_->set_receive_buffer(settings_.receive_buffer);
  if (settings_.window_clamp != 0)
    connection_->set_receive_buffer(
        std::min(connection_->tcb().cold.receive_buffer, static_cast<uint32_t>(settings_.window_clamp)));
  if (!settings_.quick_ack) connection_->set_quick_ack(false);
}

Outcome Socket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Outcome::failed(EINVAL);
  if (listening_) {
    if (how != SHUT_WR) stop_listening();
    return Outcome::ok();
  }
  if (connection_ == nullptr) return Outcome::failed(ENOTCONN);
  if (phase_ == Phase::Connecting) return disconnect();
  if (how != SHUT_WR) receive_shut_ = true;
  if (how != SHUT_RD && !send_shut_) {
    send_shut_ = true;
    connection_->shutdown();
  }
  wake(kIn | kOut | EPOLLHUP | EPOLLRDHUP);
  return Outcome::ok();
}

void Socket::close() {
  closed_ = true;
  if (listening_) stop_listening();
  if (connection_ != nullptr) {
    app::Connection& connection = *connection_;
    let_go();
    connection.set_handler(orphans());
    if (settings_.linger && settings_.linger_seconds == 0)
      connection.abort();
    else
      connection.close();
  }
  if (port_held_) shared_->ports.release(*this);
  port_held_ = false;
  wake(EPOLLHUP);
}

}  // namespace millrace::socket
