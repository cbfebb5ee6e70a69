// An epoll instance: level, edge and one-shot, as epoll(7) describes them. Neighbours: file.h, sockets.cpp.
#pragma once

#include <sys/epoll.h>

#include <deque>
#include <map>
#include <memory>
#include <span>

#include "app/socket/file.h"
#include "app/socket/outcome.h"

namespace millrace::socket {

class Epoll final : public File, private Watcher {
 public:
  explicit Epoll(uint64_t& changes) : File(changes) {}
  ~Epoll() override;

  // `operation` is EPOLL_CTL_*; `number` names `file` in this instance.
  Outcome control(int operation, int number, File& file, const epoll_event* event);
  // Up to out.size() events; `limit` negative: for as long as it takes.
  Outcome wait(std::span<epoll_event> out, Instant now, Call& call, int limit_ms);

  uint32_t readiness() const override;

 private:
  struct Item {
    File* file = nullptr;
    epoll_event wanted{};
    bool armed = true;    // false: EPOLLONESHOT has fired
    bool queued = false;  // in ready_
  };

  void woken(uint64_t key, uint32_t events) override;
  void gone(uint64_t key) override;
  void enqueue(uint64_t key, Item& item);
  uint32_t events_of(const Item& item) const;

  std::map<uint64_t, Item> items_;
  std::deque<uint64_t> ready_;  // that may be ready, the longest waiting first
};

}  // namespace millrace::socket
