// The metrics over HTTP, for Prometheus: GET /metrics, on a loopback address or a Unix socket. A thread of its
// own, which no client can hold: requests are bounded in size and time, clients in number. Neighbours:
// openmetrics.h (the page).
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/socket/listening.h"

namespace millrace::control {

struct MetricsParams {
  std::string place;                 // 127.0.0.1:9464, [::1]:9464 or /run/millrace/metrics.sock
  mode_t mode = 0660;                // of a Unix socket
  std::string group;                 // likewise; empty: the process's own
  std::function<std::string()> page;  // called on the server's thread
  std::chrono::milliseconds patience{5000};
  size_t clients = 32;
};

class MetricsServer {
 public:
  explicit MetricsServer(MetricsParams params);
  ~MetricsServer() { stop(); }
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // Nothing: it runs, or there is no place to serve at. Otherwise a sentence that says what is wrong.
  [[nodiscard]] std::optional<std::string> start();
  void stop();

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct Client {
    int fd = -1;
    std::string input;
    std::string output;
    SteadyClock::time_point ends_at;  // whatever it does
    bool finished = false;
  };

  std::optional<std::string> listen_on_loopback();
  void run();
  void accept_clients(SteadyClock::time_point now);
  void step(Client& client);
  void receive(Client& client);
  void answer(Client& client);

  const MetricsParams params_;
  ListeningSocket unix_;
  int listening_ = -1;  // of a Unix socket: unix_'s own
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
  std::vector<Client> clients_;  // the thread's
  std::thread thread_;
};

}  // namespace millrace::control
