// One client of the control socket: its bytes in and out, and the one request of it that is under way. Every
// buffer is bounded and no call blocks. Neighbours: server.h (owns the sessions and knows when to step them).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/socket/handlers.h"

namespace millrace::control {

using SteadyClock = std::chrono::steady_clock;
using Moment = SteadyClock::time_point;

struct Limits {
  size_t clients = 1024;
  size_t output_bytes = 64 * 1024;  // unread by the client: its next request waits; one reply may go beyond
  unsigned requests_per_second = 1000;
  std::chrono::milliseconds request_time{1000};  // that the lcores have to answer
  std::chrono::milliseconds stall_time{5000};    // half a request, or a reply that is not read
  std::chrono::milliseconds idle_time{
      1000};  // after which a silent client makes room when there are too many
};

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

class Session {
 public:
  using Log = std::function<void(const std::string&)>;

  // Owns `fd`, which is a connected non-blocking socket, until a method hands it over.
  Session(int fd, const Peer& peer, const Limits& limits, const Log& log, Moment now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Reads, answers and writes as far as it goes without waiting. `hung_up`: nobody will read an answer.
  void step(EndpointView& view, Moment now, bool hung_up);

  bool finished() const { return finished_; }
  bool wants_input() const;
  bool wants_output() const { return !output_.empty(); }
  // When step() has something to do though the socket is silent; nothing: never.
  std::optional<Moment> wake_at(Moment now) const;
  // A job is under way: step() it each time the thread is awake.
  bool busy() const { return job_ != nullptr; }
  // Octets kept for this client.
  size_t held_bytes() const { return input_.size() + output_.size(); }
  Moment last_request() const { return last_request_; }
  bool idle() const { return !job_ && output_.empty() && input_.empty(); }

  // For what is said to a client that gets no session: written if it fits, and no more.
  static void say(int fd, const std::string& line);

 private:
  void receive(Moment now);
  void serve(EndpointView& view, Moment now);
  bool serve_one(EndpointView& view, Moment now);
  void begin(const std::string& line, EndpointView& view, Moment now);
  void note_change(const std::string& method) const;
  void poll_job(EndpointView& view, Moment now);
  void hand_over(const HandOver& to);
  void reply(const Outcome& outcome);
  void flush(Moment now);
  void enforce(Moment now);
  void end_with(Error error);
  std::optional<std::string> next_line();
  // Whether there is room for another reply; the rate is another matter.
  bool may_begin() const { return !closing_ && output_.size() <= limits_.output_bytes; }
  bool has_line() const { return input_.find('\n') != std::string::npos; }
  void refill(Moment now);

  int fd_;  // -1: handed over
  const Peer peer_;
  const Limits& limits_;
  const Log& log_;
  std::string input_;
  std::string output_;
  std::unique_ptr<Job> job_;
  json job_id_;
  std::chrono::milliseconds job_time_{};
  Moment job_deadline_{};
  double tokens_;  // requests that may be begun now
  Moment refilled_;
  Moment line_begun_;  // when the unfinished line in input_ began to arrive
  Moment written_;     // when output last got smaller, or began
  Moment last_request_;
  bool peer_done_ = false;  // will send no more
  bool closing_ = false;    // output is the last of it
  bool finished_ = false;
};

}  // namespace millrace::control
