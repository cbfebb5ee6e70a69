// Signals as the control thread takes them: one at a time, when it asks.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace millrace::control {

// SIGINT and SIGTERM wait to be asked for, in this thread and those that it makes; SIGPIPE is ignored, since
// a vhost peer that leaves would end us by it.
void block_stop_signals();

// SIGHUP likewise.
void block_reload_signal();

// True: one of the two has come within `patience`.
bool stop_signal(std::chrono::milliseconds patience);
// True: SIGHUP has come since the last call.
bool reload_signal();

// While it lives, a stop signal ends the process on the spot: a driver that waits for its peer (vhost-user as
// a server does) would not notice otherwise. Nothing is left that a crash would not leave.
class ImpatientStart {
 public:
  // `command` is the subcommand that starts.
  explicit ImpatientStart(const char* command);
  ~ImpatientStart();
  ImpatientStart(const ImpatientStart&) = delete;
  ImpatientStart& operator=(const ImpatientStart&) = delete;

 private:
  std::atomic<bool> started_{false};
  std::thread thread_;
};

}  // namespace millrace::control
