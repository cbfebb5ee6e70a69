// packetdrill's two threads and the virtual clock. The script runs in thread M; a call that may block runs in
// a thread S, and M goes on once S has returned or sleeps in the kernel. One lock is around the stack. Time
// moves where M asks for it alone; when something wakes S, M waits until S has returned or sleeps again
// before the clock moves on.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "control.h"
#include "stack.h"

namespace millrace::packetdrill {

class Threads {
 public:
  explicit Threads(const Flags& flags);

  using Attempt = std::function<socket::Outcome(socket::Sockets&, socket::Call&)>;
  // A socket call: made again until it need not block. -1 and errno where it fails.
  int64_t call(const Attempt& attempt);

  bool inject(std::span<const uint8_t> packet);
  // The next packet; nothing: none will ever come.
  std::optional<Stack::Sent> receive();
  void sleep(Micros time);
  Instant time_of_day();

  bool owns(int fd);
  // An address that the script names as ours.
  void own(const IpAddress& address);

 private:
  using Lock = std::unique_lock<std::mutex>;

  void enter();
  bool is_script_thread() const { return std::this_thread::get_id() == script_thread_; }
  Instant next_event() const;
  // Settles, and lets S go on as far as it can.
  void settle(Lock& lock);
  void advance_to(Instant to, Lock& lock);
  void sleep_in_call(Instant until, Lock& lock);
  void let_return();

  std::mutex mutex_;
  std::condition_variable to_script_;
  std::condition_variable to_sleeper_;
  std::thread::id script_thread_ = std::this_thread::get_id();
  Stack stack_;
  Control control_;

  struct Sleeper {
    bool asleep = false;
    bool woken = false;    // told to go on
    bool running = false;  // has been told, and has not come back
    uint64_t changes = 0;  // of the sockets when it fell asleep
    Instant until = kNever;
  } sleeper_;
  std::atomic<pid_t> returned_{0};    // S, until let_return()
  std::optional<Instant> wake_time_;  // what S is to be told of its next gettimeofday
};

}  // namespace millrace::packetdrill
