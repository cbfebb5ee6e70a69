#include "control/socket/server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace millrace::control {

namespace {

using namespace std::chrono_literals;

constexpr int kAcceptsPerRound = 64;
constexpr auto kAcceptPause = 100ms;  // after file descriptors or memory ran out
constexpr auto kLongestSleep = 3600s;

void watch(int epoll, int fd, uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

Server::Server(EndpointView& view, ServerParams params) : view_(view), params_(std::move(params)) {}

Server::~Server() { stop(); }

std::optional<std::string> Server::start() {
  if (auto refused = socket_.open(params_.path, params_.mode, params_.group)) return refused;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0) {
    stop();
    return "The control thread got no file descriptors: raise their limit (ulimit -n).";
  }
  watch(epoll_, wake_, EPOLLIN, EPOLL_CTL_ADD);
  watch(epoll_, socket_.fd(), EPOLLIN, EPOLL_CTL_ADD);
  for (const Attendant* attendant : attendants_) watch(epoll_, attendant->fd(), EPOLLIN, EPOLL_CTL_ADD);
  // Signals are the main thread's business: a new thread inherits the mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "mr-control");
  return std::nullopt;
}

void Server::stop() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_release);
    const uint64_t one = 1;
    static_cast<void>(!write(wake_, &one, sizeof one));
    thread_.join();
  }
  clients_.clear();
  socket_.close();
  if (epoll_ >= 0) close(std::exchange(epoll_, -1));
  if (wake_ >= 0) close(std::exchange(wake_, -1));
}

void Server::run() {
  std::array<epoll_event, 64> events;
  while (!stopping_.load(std::memory_order_acquire)) {
    const int count = wait(SteadyClock::now(), events.data(), static_cast<int>(events.size()));
    const Moment now = SteadyClock::now();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.fd == wake_) continue;
      if (event.data.fd == socket_.fd()) {
        accept_clients(now);
      } else if (!step_attendant(event.data.fd, now)) {
        step(event.data.fd, now, (event.events & (EPOLLHUP | EPOLLERR)) != 0);
      }
    }
    step_due(now);
  }
}

// Sleeps until a socket stirs or a session's time comes. epoll_wait() counts in milliseconds, too coarse
// while an lcore is about to answer; ppoll() on the epoll descriptor is not.
int Server::wait(Moment now, epoll_event* events, int room) {
  Moment until = now + kLongestSleep;
  if (accept_again_) until = std::min(until, *accept_again_);
  for (const Attendant* attendant : attendants_)
    if (const auto at = attendant->wake_at()) until = std::min(until, *at);
  for (const auto& [fd, client] : clients_)
    if (const auto at = client.session->wake_at(now)) until = std::min(until, *at);
  const auto sleep = std::max<std::chrono::nanoseconds>(until - now, 0ns);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(sleep);
  const timespec limit{seconds.count(), (sleep - seconds).count()};
  pollfd ready{epoll_, POLLIN, 0};
  if (ppoll(&ready, 1, &limit, nullptr) <= 0) return 0;
  return epoll_wait(epoll_, events, room, 0);
}

void Server::accept_clients(Moment now) {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    const int fd = accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(fd, now);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      pause_accepting(now + kAcceptPause);  // the socket would stay ready and the thread would spin
      return;
    }
  }
}

void Server::admit(int fd, Moment now) {
  const Peer peer = ListeningSocket::peer_of(fd);
  const char* refusal = nullptr;
  ErrorCode code = ErrorCode::Denied;
  if (!socket_.may_talk(fd, peer)) {
    refusal = "You are neither root nor the endpoint's user, nor in the group of its control socket.";
  } else if (clients_.size() >= params_.limits.clients && !make_room(now)) {
    code = ErrorCode::TooManyClients;
    refusal = "Too many clients are connected to the control socket: try again later.";
  }
  if (refusal != nullptr) {
    Session::say(fd, error_line(nullptr, {code, refusal}));
    close(fd);
    return;
  }
  clients_[fd].session = std::make_unique<Session>(fd, peer, params_.limits, params_.log, now);
  watch(epoll_, fd, 0, EPOLL_CTL_ADD);
  step(fd, now, false);
}

// Drops the client that has been silent for longest, if there is one.
bool Server::make_room(Moment now) {
  auto oldest = clients_.end();
  for (auto it = clients_.begin(); it != clients_.end(); ++it) {
    const Session& session = *it->second.session;
    if (!session.idle() || now - session.last_request() < params_.limits.idle_time) continue;
    if (oldest == clients_.end() || session.last_request() < oldest->second.session->last_request())
      oldest = it;
  }
  if (oldest == clients_.end()) return false;
  clients_.erase(oldest);  // closing the descriptor takes it out of epoll
  return true;
}

void Server::step(int fd, Moment now, bool hung_up) {
  const auto found = clients_.find(fd);
  if (found == clients_.end()) return;  // evicted in this round
  Client& client = found->second;
  client.session->step(view_, now, hung_up);
  if (client.session->finished()) {
    clients_.erase(found);
    return;
  }
  const uint32_t interest = (client.session->wants_input() ? uint32_t{EPOLLIN} : 0U) |
                            (client.session->wants_output() ? uint32_t{EPOLLOUT} : 0U);
  if (interest != client.interest) watch(epoll_, fd, interest, EPOLL_CTL_MOD);
  client.interest = interest;
}

void Server::step_due(Moment now) {
  if (accept_again_ && now >= *accept_again_) {
    accept_again_.reset();
    watch(epoll_, socket_.fd(), EPOLLIN, EPOLL_CTL_MOD);
  }
  for (Attendant* attendant : attendants_)
    if (const auto at = attendant->wake_at(); at && *at <= now) attendant->step(now);
  std::vector<int> due;
  for (const auto& [fd, client] : clients_) {
    const auto at = client.session->wake_at(now);
    if (at && (*at <= now || client.session->busy())) due.push_back(fd);
  }
  for (const int fd : due) step(fd, now, false);
}

bool Server::step_attendant(int fd, Moment now) {
  const auto found = std::ranges::find(attendants_, fd, [](const Attendant* each) { return each->fd(); });
  if (found == attendants_.end()) return false;
  (*found)->step(now);
  return true;
}

void Server::pause_accepting(Moment until) {
  watch(epoll_, socket_.fd(), 0, EPOLL_CTL_MOD);
  accept_again_ = until;
}

}  // namespace millrace::control
