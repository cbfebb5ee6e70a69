// What has a descriptor: a socket or an epoll instance. It says what it is ready for and tells those who
// watch it when that may have changed. Neighbours: socket.h, epoll.h.
#pragma once

#include <cstdint>
#include <vector>

namespace millrace::socket {

// Told of changes; epoll instances are.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // `key` may have become ready for `events`.
  virtual void woken(uint64_t key, uint32_t events) = 0;
  // The watched file is going.
  virtual void gone(uint64_t key) = 0;
};

class File {
 public:
  explicit File(uint64_t& changes) : changes_(&changes) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() { leave_watchers(); }

  // EPOLL* bits, which are poll's.
  virtual uint32_t readiness() const = 0;

  // The descriptor has gone: nobody watches it any longer.
  void leave_watchers() {
    for (const Watch& watch : watches_) watch.watcher->gone(watch.key);
    watches_.clear();
  }
  void add_watcher(Watcher& watcher, uint64_t key) { watches_.push_back({&watcher, key}); }
  void remove_watcher(const Watcher& watcher, uint64_t key) {
    std::erase_if(watches_, [&](const Watch& w) { return w.watcher == &watcher && w.key == key; });
  }

  bool nonblocking = false;  // O_NONBLOCK

 protected:
  // Something has changed that a sleeping call or a watcher may wait for.
  void wake(uint32_t events) {
    ++*changes_;
    for (const Watch& watch : watches_) watch.watcher->woken(watch.key, events);
  }

 private:
  struct Watch {
    Watcher* watcher;
    uint64_t key;
  };
  uint64_t* changes_;
  std::vector<Watch> watches_;
};

}  // namespace millrace::socket
