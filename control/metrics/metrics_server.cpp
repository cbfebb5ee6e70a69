#include "control/metrics/metrics_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
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

constexpr size_t kMaxRequestBytes = 8 * 1024;
constexpr int kBacklog = 32;

std::string response(std::string_view status, std::string_view type, const std::string& body, bool head) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         (head ? std::string() : body);
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
    std::memcpy(&v4->sin_addr, endpoint.address.octets().data() + 12, 4);
    out.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::memcpy(&v6->sin6_addr, endpoint.address.octets().data(), 16);
    out.size = sizeof *v6;
  }
  return out;
}

}  // namespace

MetricsServer::MetricsServer(MetricsParams params) : params_(std::move(params)) {}

std::optional<std::string> MetricsServer::start() {
  if (params_.place.empty()) return std::nullopt;
  if (params_.place.starts_with('/')) {
    if (auto refused = unix_.open(params_.place, params_.mode, params_.group)) return refused;
    listening_ = unix_.fd();
  } else if (auto refused = listen_on_loopback()) {
    return refused;
  }
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) {
    stop();
    return "The metrics' thread got no file descriptor: raise their limit (ulimit -n).";
  }
  // Signals are the main thread's business: a new thread inherits the mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "mr-metrics");
  return std::nullopt;
}

std::optional<std::string> MetricsServer::listen_on_loopback() {
  const auto parsed = config::parse_listen(params_.place);
  if (!parsed || parsed->size() != 1) return "control.metrics is neither ADDRESS:PORT nor a path.";
  const SocketAddress address = address_of(parsed->front());
  listening_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(listening_, generic, address.size) == 0 && listen(listening_, kBacklog) == 0) return std::nullopt;
  const int error = errno;
  stop();
  return "Metrics cannot be served on " + params_.place + ": " + std::strerror(error) +
         ". Give control.metrics another port.";
}

void MetricsServer::stop() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_release);
    const uint64_t one = 1;
    static_cast<void>(!write(wake_, &one, sizeof one));
    thread_.join();
  }
  for (const Client& client : clients_) close(client.fd);
  clients_.clear();
  if (listening_ >= 0 && listening_ != unix_.fd()) close(listening_);
  listening_ = -1;
  unix_.close();
  if (wake_ >= 0) close(std::exchange(wake_, -1));
}

void MetricsServer::run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    std::vector<pollfd> ready{{wake_, POLLIN, 0}};
    // When all places are taken, who comes waits in the backlog.
    ready.push_back({clients_.size() < params_.clients ? listening_ : -1, POLLIN, 0});
    for (const Client& client : clients_)
      ready.push_back({client.fd, static_cast<short>(client.output.empty() ? POLLIN : POLLOUT), 0});
    poll(ready.data(), ready.size(), clients_.empty() ? -1 : 100);
    const SteadyClock::time_point now = SteadyClock::now();
    for (size_t i = 0; i < clients_.size(); ++i) {
      if (ready[i + 2].revents != 0) step(clients_[i]);
      clients_[i].finished |= now >= clients_[i].ends_at;
    }
    std::erase_if(clients_, [](const Client& client) { return client.finished && close(client.fd) == 0; });
    if (ready[1].revents != 0) accept_clients(now);
  }
}

void MetricsServer::accept_clients(SteadyClock::time_point now) {
  while (clients_.size() < params_.clients) {
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (listening_ == unix_.fd() && !unix_.may_talk(fd, ListeningSocket::peer_of(fd))) {
      close(fd);
      continue;
    }
    clients_.push_back({fd, {}, {}, now + params_.patience});
  }
}

void MetricsServer::step(Client& client) {
  if (client.output.empty()) receive(client);
  if (client.finished || client.output.empty()) return;
  const ssize_t sent = send(client.fd, client.output.data(), client.output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    client.finished = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    return;
  }
  client.output.erase(0, static_cast<size_t>(sent));
  client.finished = client.output.empty();
}

void MetricsServer::receive(Client& client) {
  std::array<char, 4096> chunk;
  const ssize_t count = recv(client.fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (count <= 0) {
    client.finished = true;
    return;
  }
  client.input.append(chunk.data(), static_cast<size_t>(count));
  if (client.input.find("\r\n\r\n") != std::string::npos || client.input.find("\n\n") != std::string::npos)
    answer(client);
  else if (client.input.size() > kMaxRequestBytes)
    client.output = response("431 Request Header Fields Too Large", "text/plain", "The request is too long.\n", false);
}

// One request a connection: what is in it beyond method and path does not matter here.
void MetricsServer::answer(Client& client) {
  const std::string line = client.input.substr(0, client.input.find_first_of("\r\n"));
  const size_t space = line.find(' ');
  const std::string method = line.substr(0, space);
  const std::string rest = space == std::string::npos ? std::string() : line.substr(space + 1);
  const std::string path = rest.substr(0, rest.find_first_of(" ?"));
  const bool head = method == "HEAD";
  if (!rest.ends_with("HTTP/1.1") && !rest.ends_with("HTTP/1.0"))
    client.output = response("400 Bad Request", "text/plain", "This is no HTTP/1.1 request.\n", head);
  else if (method != "GET" && !head)
    client.output = response("405 Method Not Allowed", "text/plain", "Only GET and HEAD.\n", head);
  else if (path != "/metrics" && path != "/")
    client.output = response("404 Not Found", "text/plain", "The metrics are under /metrics.\n", head);
  else
    client.output = response("200 OK", kOpenMetricsType, params_.page(), head);
}

}  // namespace millrace::control
