#include "control/metrics/metrics_server.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/address.h"
#include "config/value.h"
#include "control/metrics/openmetrics.h"

namespace millrace::control {

namespace {

using namespace std::chrono_literals;

constexpr int kBacklog = 32;
constexpr auto kAcceptPause = 100ms;  // after file descriptors or memory ran out

void watch(int epoll, int fd, uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll, operation, fd, &event);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress address_of(const Endpoint& endpoint) {
  SocketAddress out;
  if (endpoint.address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    std::memcpy(&v4->sin_addr, endpoint.address.v4_wire(), 4);
    out.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::memcpy(&v6->sin6_addr, endpoint.address.v6_wire(), 16);
    out.size = sizeof *v6;
  }
  return out;
}

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

MetricsServer::MetricsServer(EndpointView& view, MetricsParams params)
    : view_(view), params_(std::move(params)) {}

std::optional<std::string> MetricsServer::start() {
  if (params_.place.empty()) return std::nullopt;
  if (params_.place.starts_with('/')) {
    if (auto refused = unix_.open(params_.place, params_.mode, params_.group, "metrics socket"))
      return refused;
    listening_ = unix_.fd();
  } else if (auto refused = listen_on_tcp()) {
    stop();
    return refused;
  }
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) {
    stop();
    return "The metrics got no file descriptor: raise their limit (ulimit -n).";
  }
  watch(epoll_, listening_, EPOLLIN, EPOLL_CTL_ADD);
  listening_for_more_ = true;
  return std::nullopt;
}

std::optional<std::string> MetricsServer::listen_on_tcp() {
  const auto parsed = config::parse_listen(params_.place);
  if (!parsed || parsed->size() != 1) return "control.metrics_listen is neither ADDRESS:PORT nor a path.";
  const SocketAddress address = address_of(parsed->front());
  listening_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6)
    setsockopt(listening_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(listening_, generic, address.size) == 0 && listen(listening_, kBacklog) == 0) return std::nullopt;
  const int error = errno;
  return "Metrics cannot be served on " + params_.place + ": " + std::strerror(error) +
         ". Give control.metrics_listen another address or port.";
}

void MetricsServer::stop() {
  for (const Client& client : clients_) close(client.fd);
  clients_.clear();
  if (listening_ >= 0 && listening_ != unix_.fd()) close(listening_);
  listening_ = -1;
  unix_.close();
  if (epoll_ >= 0) close(std::exchange(epoll_, -1));
}

void MetricsServer::step(Moment now) {
  std::array<epoll_event, 32> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  bool newcomers = false;
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == listening_)
      newcomers = true;
    else
      step_client(fd, now);
  }
  dismiss(now);
  if (newcomers) accept_clients(now);
  if (accept_again_ && now >= *accept_again_) accept_again_.reset();
  listen_for_more(clients_.size() < params_.clients && !accept_again_);
}

std::chrono::milliseconds MetricsServer::patience() const {
  return clients_.size() < params_.clients ? params_.patience : params_.when_crowded;
}

std::optional<Moment> MetricsServer::wake_at() const {
  std::optional<Moment> at = accept_again_;
  if (clients_.empty()) return at;
  const Moment leaves = clients_.front().came + patience();
  return at ? std::min(*at, leaves) : leaves;
}

// Who is done, and who has been here for too long.
void MetricsServer::dismiss(Moment now) {
  const std::chrono::milliseconds patience = this->patience();
  std::erase_if(clients_, [&](const Client& client) {
    return (client.phase == Phase::Done || now >= client.came + patience) && close(client.fd) == 0;
  });
}

void MetricsServer::accept_clients(Moment now) {
  while (clients_.size() < params_.clients) {
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (!would_wait(errno)) accept_again_ = now + kAcceptPause;  // the socket would stay ready
      return;
    }
    if (listening_ == unix_.fd() && !unix_.may_talk(fd, ListeningSocket::peer_of(fd))) {
      close(fd);
      continue;
    }
    clients_.push_back({.fd = fd, .came = now, .input = {}, .reply = {}});
    watch(epoll_, fd, EPOLLIN, EPOLL_CTL_ADD);
  }
}

// While every place is taken, who comes waits in the backlog.
void MetricsServer::listen_for_more(bool wanted) {
  if (wanted == listening_for_more_) return;
  listening_for_more_ = wanted;
  watch(epoll_, listening_, wanted ? uint32_t{EPOLLIN} : 0U, EPOLL_CTL_MOD);
}

void MetricsServer::step_client(int fd, Moment now) {
  const auto client = std::ranges::find(clients_, fd, &Client::fd);
  if (client == clients_.end()) return;
  const Phase before = client->phase;
  if (client->phase == Phase::Request) receive(*client, now);
  if (client->phase == Phase::Response) transmit(*client);
  if (client->phase == Phase::Parting) discard(*client);
  if (client->phase == before || client->phase == Phase::Done) return;
  const uint32_t interest = client->phase == Phase::Response ? EPOLLOUT : EPOLLIN;
  watch(epoll_, fd, interest, EPOLL_CTL_MOD);
}

void MetricsServer::receive(Client& client, Moment now) {
  std::array<char, 4096> chunk;
  const ssize_t count = recv(client.fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count < 0 && would_wait(errno)) return;
  if (count <= 0) {
    client.phase = Phase::Done;
    return;
  }
  client.input.append(chunk.data(), static_cast<size_t>(count));
  const auto date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto reply = answer_request(client.input, date, [&] { return page(now); });
  if (!reply) return;
  client.reply = *std::move(reply);
  client.input = {};
  client.phase = Phase::Response;
}

void MetricsServer::transmit(Client& client) {
  const std::string& head = client.reply.head;
  const size_t body = client.reply.body ? client.reply.body->size() : 0;
  std::array<iovec, 2> parts{};
  size_t used = 0;
  if (client.sent < head.size())
    parts[used++] = {const_cast<char*>(head.data()) + client.sent, head.size() - client.sent};
  const size_t of_body = client.sent - std::min(client.sent, head.size());
  if (of_body < body)
    parts[used++] = {const_cast<char*>(client.reply.body->data()) + of_body, body - of_body};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = used;
  const ssize_t count = sendmsg(client.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) {
    if (!would_wait(errno)) client.phase = Phase::Done;
    return;
  }
  client.sent += static_cast<size_t>(count);
  if (client.sent < head.size() + body) return;
  // To close with octets unread would send a RST, which may overtake the response (RFC 9112 §9.6).
  shutdown(client.fd, SHUT_WR);
  client.reply = {};
  client.phase = Phase::Parting;
}

void MetricsServer::discard(Client& client) {
  std::array<char, 4096> chunk;
  const ssize_t count = recv(client.fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count == 0 || (count < 0 && !would_wait(errno))) client.phase = Phase::Done;
}

SharedPage MetricsServer::page(Moment now) {
  if (page_ == nullptr || now - page_made_ >= params_.freshness) {
    page_ = std::make_shared<const std::string>(open_metrics(view_.counters(), view_.info()));
    page_made_ = now;
  }
  return page_;
}

}  // namespace millrace::control
