// The page of metrics over HTTP: GET /metrics on a TCP address or a Unix socket. The control thread steps it,
// and no client can hold that: requests, time and clients are bounded, and the page is made at most ten times
// a second, whoever asks. Neighbours: openmetrics.h (the page), exchange.h (a request and its response),
// socket/server.h (the thread).
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "control/metrics/exchange.h"
#include "control/socket/attendant.h"
#include "control/socket/listening.h"

namespace millrace::control {

struct MetricsParams {
  std::string place;   // 127.0.0.1:9464, [::1]:9464 or /run/millrace/metrics.sock; empty: nowhere
  mode_t mode = 0660;  // of a Unix socket
  std::string group;   // likewise; empty: the process's own
  size_t clients = 16;
  std::chrono::milliseconds patience{10'000};    // for one client's request and its response
  std::chrono::milliseconds when_crowded{1000};  // the same while every place is taken
  std::chrono::milliseconds freshness{100};      // a page so old is still handed out
};

class MetricsServer final : public Attendant {
 public:
  // `view` outlives the server.
  MetricsServer(EndpointView& view, MetricsParams params);
  ~MetricsServer() override { stop(); }

  // Nothing: it listens, or there is no place to do so (serving() tells). Otherwise a sentence that says what
  // is wrong and what to do.
  [[nodiscard]] std::optional<std::string> start();
  bool serving() const { return epoll_ >= 0; }
  // Drops the clients and removes a Unix socket's file. Not while a thread steps it. May be called twice.
  void stop();

  // ---- the control thread
  int fd() const override { return epoll_; }
  void step(Moment now) override;
  std::optional<Moment> wake_at() const override;

 private:
  enum class Phase : uint8_t {
    Request,   // its head is not whole
    Response,  // is being sent
    Parting,   // all is sent; what the peer still sends is thrown away until it closes
    Done
  };
  struct Client {
    int fd = -1;
    Moment came;
    Phase phase = Phase::Request;
    std::string input;
    Reply reply;
    size_t sent = 0;  // octets of head and body
  };

  std::optional<std::string> listen_on_tcp();
  void accept_clients(Moment now);
  void listen_for_more(bool wanted);
  void step_client(int fd, Moment now);
  void receive(Client& client, Moment now);
  void transmit(Client& client);
  void discard(Client& client);
  void dismiss(Moment now);
  SharedPage page(Moment now);
  std::chrono::milliseconds patience() const;

  EndpointView& view_;
  const MetricsParams params_;
  ListeningSocket unix_;
  int listening_ = -1;  // of a Unix socket: unix_'s own
  int epoll_ = -1;
  bool listening_for_more_ = false;
  std::optional<Moment> accept_again_;  // after file descriptors ran out
  std::deque<Client> clients_;          // in the order in which they came
  SharedPage page_;
  Moment page_made_{};
};

}  // namespace millrace::control
