// Who listens on one endpoint of a shard: one socket, or with SO_REUSEPORT several. Each connection is for
// one of them, chosen by its remote end as Linux does it. Shards share nothing: sockets of different lcores
// listen on one endpoint whatever they say, and the flow's lcore decides. Neighbours: accepting.cpp, ports.h.
#pragma once

#include <vector>

#include "app/connection.h"
#include "app/handler.h"

namespace millrace::socket {

// The handler of the endpoint's one listener in the stack. Lives as long as the shard's sockets: connections
// that nobody has been told of may outlive the last member.
class ReusePort final : public app::Handler {
 public:
  // False: somebody listens there who does not share, or is not shared with.
  bool add(app::Handler& member, bool shares) {
    if (!members_.empty() && !(shares && shared_)) return false;
    shared_ = shares;
    members_.push_back(&member);
    return true;
  }
  void remove(app::Handler& member) { std::erase(members_, &member); }
  bool empty() const { return members_.empty(); }

  uint32_t accept_room(const Endpoint& local) const override;
  void on_established(app::Connection& connection) override;

 private:
  std::vector<app::Handler*> members_;
  bool shared_ = false;
};

}  // namespace millrace::socket
