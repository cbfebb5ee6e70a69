#include "app/socket/epoll.h"

#include <algorithm>
#include <cerrno>

namespace millrace::socket {

namespace {

constexpr uint32_t kAlways = EPOLLERR | EPOLLHUP;
constexpr uint32_t kModes = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;

}  // namespace

Epoll::~Epoll() {
  for (auto& [key, item] : items_) item.file->remove_watcher(*this, key);
}

uint32_t Epoll::events_of(const Item& item) const {
  if (!item.armed) return 0;
  return item.file->readiness() & ((item.wanted.events & ~kModes) | kAlways);
}

uint32_t Epoll::readiness() const {
  const bool any = std::any_of(ready_.begin(), ready_.end(), [this](uint64_t key) {
    const auto item = items_.find(key);
    return item != items_.end() && events_of(item->second) != 0;
  });
  return any ? EPOLLIN | EPOLLRDNORM : 0;
}

void Epoll::enqueue(uint64_t key, Item& item) {
  if (item.queued) return;
  item.queued = true;
  ready_.push_back(key);
  wake(EPOLLIN | EPOLLRDNORM);
}

// An edge: whatever is ready when the event is fetched is told, as Linux does.
void Epoll::woken(uint64_t key, uint32_t events) {
  const auto found = items_.find(key);
  if (found == items_.end() || !found->second.armed) return;
  if ((events & ((found->second.wanted.events & ~kModes) | kAlways)) != 0) enqueue(key, found->second);
}

void Epoll::gone(uint64_t key) { items_.erase(key); }

Outcome Epoll::control(int operation, int number, File& file, const epoll_event* event) {
  const auto key = static_cast<uint64_t>(number);
  const auto found = items_.find(key);
  if (&file == this) return Outcome::failed(EINVAL);
  if (operation != EPOLL_CTL_DEL && event == nullptr) return Outcome::failed(EFAULT);
  switch (operation) {
    case EPOLL_CTL_ADD: {
      if (found != items_.end()) return Outcome::failed(EEXIST);
      Item& item = items_[key];
      item.file = &file;
      item.wanted = *event;
      file.add_watcher(*this, key);
      if (events_of(item) != 0) enqueue(key, item);
      return Outcome::ok();
    }
    case EPOLL_CTL_MOD:
      if (found == items_.end()) return Outcome::failed(ENOENT);
      if (((event->events | found->second.wanted.events) & EPOLLEXCLUSIVE) != 0)
        return Outcome::failed(EINVAL);
      found->second.wanted = *event;
      found->second.armed = true;
      if (events_of(found->second) != 0) enqueue(key, found->second);
      return Outcome::ok();
    case EPOLL_CTL_DEL:
      if (found == items_.end()) return Outcome::failed(ENOENT);
      file.remove_watcher(*this, key);
      items_.erase(found);
      return Outcome::ok();
    default:
      return Outcome::failed(EINVAL);
  }
}

Outcome Epoll::wait(std::span<epoll_event> out, Instant now, Call& call, int limit_ms) {
  if (out.empty()) return Outcome::failed(EINVAL);
  if (!call.begun) {
    call.begun = true;
    call.deadline = limit_ms < 0 ? kNever : now + Micros(int64_t{limit_ms} * 1000);
  }
  size_t told = 0;
  for (size_t left = ready_.size(); left != 0 && told < out.size(); --left) {
    const uint64_t key = ready_.front();
    ready_.pop_front();
    const auto found = items_.find(key);
    if (found == items_.end()) continue;
    Item& item = found->second;
    item.queued = false;
    const uint32_t events = events_of(item);
    if (events == 0) continue;
    out[told].events = events;
    out[told++].data = item.wanted.data;
    if ((item.wanted.events & EPOLLONESHOT) != 0) {
      item.armed = false;
    } else if ((item.wanted.events & EPOLLET) == 0) {  // level: asked again next time
      item.queued = true;
      ready_.push_back(key);
    }
  }
  if (told != 0) return Outcome::ok(static_cast<int64_t>(told));
  if (now >= call.deadline) return Outcome::ok(0);
  return Outcome::wait(call.deadline);
}

}  // namespace millrace::socket
