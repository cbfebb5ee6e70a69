// listen, accept, and the queue between them. Neighbour: socket.h.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "app/socket/address.h"
#include "app/socket/socket.h"

namespace millrace::socket {

namespace {

constexpr int kMostBacklog = 4096;  // as net.core.somaxconn

}  // namespace

Outcome Socket::listen(int backlog) {
  if (phase_ != Phase::Fresh) return Outcome::failed(EINVAL);
  // As Linux counts: a backlog of n holds n + 1.
  backlog_ = std::clamp(backlog, 0, kMostBacklog);
  if (listening_) return Outcome::ok();
  if (!bound_) {
    const Endpoint any{any_address(domain_ == AF_INET ? Family::V4 : Family::V6), 0};
    if (const Outcome bound = bind(any); bound.error != 0) return bound;
  }
  if (!shared_->ports.may_listen(*this)) return Outcome::failed(EADDRINUSE);
  std::vector<Endpoint> wanted{*bound_};
  if (domain_ == AF_INET6 && bound_->address.is_unspecified() && !settings_.v6_only)
    wanted.push_back({any_address(Family::V4), bound_->port});
  for (const Endpoint& local : wanted) {
    ListenerParams params;
    params.local = local;
    params.connection = connection_params();
    params.fast_open_pending = fast_open_queue();
    params.backlog = static_cast<uint32_t>(std::max(backlog_ + 1, 8));
    if (!begin_listening(params)) {
      stop_listening();
      return Outcome::failed(EADDRINUSE);
    }
    listening_on_.push_back(local);
  }
  listening_ = true;
  shared_->ports.set_listening(*this, true);
  return Outcome::ok();
}

bool Socket::begin_listening(const ListenerParams& params) {
  ReusePort& group = shared_->reused[params.local];
  const bool begins = group.empty();
  if (!group.add(*this, shared_->ports.shares_port(*this))) return false;
  if (!begins || shared_->stack.listen(params, group, "socket") == app::OpenError::None) return true;
  group.remove(*this);
  return false;
}

uint32_t Socket::accept_room(const Endpoint&) const {
  const auto most = static_cast<size_t>(backlog_) + 1;
  return static_cast<uint32_t>(most - std::min(most, accept_queue_.size() + deferred_.size()));
}

void Socket::accept_connection(app::Connection& connection) {
  auto child = std::make_shared<Socket>(*shared_, domain_);
  child->settings_ = settings_;
  child->adopt(connection);
  if (settings_.defer_accept_seconds != 0 && child->readable_bytes() == 0) {
    child->listener_ = this;
    const Instant until = shared_->stack.now() + std::chrono::seconds(settings_.defer_accept_seconds);
    child->deferred_at_ = shared_->deferred.emplace(until, child.get());
    deferred_.push_back(std::move(child));
    wake(0);  // who sleeps looks again by then
    return;
  }
  accept_queue_.push_back(std::move(child));
  wake(EPOLLIN | EPOLLRDNORM);
}

void Socket::stop_deferring() {
  if (listener_ == nullptr) return;
  Socket& listener = *std::exchange(listener_, nullptr);
  shared_->deferred.erase(deferred_at_);
  const auto found = std::find_if(listener.deferred_.begin(), listener.deferred_.end(),
                                  [this](const auto& child) { return child.get() == this; });
  listener.accept_queue_.push_back(std::move(*found));
  listener.deferred_.erase(found);
  listener.wake(EPOLLIN | EPOLLRDNORM);
}

Outcome Socket::accept(std::shared_ptr<Socket>& accepted, Call& call) {
  if (!listening_) return Outcome::failed(EINVAL);
  call.begin(shared_->stack.now(), settings_.receive_timeout);
  if (!accept_queue_.empty()) {
    accepted = std::move(accept_queue_.front());
    accept_queue_.pop_front();
    return Outcome::ok();
  }
  if (nonblocking || shared_->stack.now() >= call.deadline) return Outcome::failed(EAGAIN);
  return Outcome::wait(earlier(call.deadline, shared_->next_deferred()));
}

void Socket::stop_listening() {
  for (const Endpoint& local : listening_on_) {
    ReusePort& group = shared_->reused[local];
    group.remove(*this);
    if (group.empty()) shared_->stack.stop_listening(local);
  }
  listening_on_.clear();
  shared_->ports.set_listening(*this, false);
  listening_ = false;
  // Nobody will ever accept them (RFC 9293 §3.10.5).
  while (!deferred_.empty()) deferred_.back()->stop_deferring();
  for (const std::shared_ptr<Socket>& child : accept_queue_) child->disconnect();
  accept_queue_.clear();
  wake(EPOLLIN | EPOLLHUP);
}

}  // namespace millrace::socket
