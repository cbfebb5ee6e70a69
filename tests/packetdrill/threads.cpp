#include "threads.h"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

namespace millrace::packetdrill {

namespace {

// Nothing in a script is later than that; keep-alive alone would go on for ever.
constexpr Instant kEnd{Micros{1'000'000'000} + std::chrono::hours(48)};

bool is_running(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  return name_end != std::string::npos && name_end + 2 < line.size() && line[name_end + 2] == 'R';
}

}  // namespace

Threads::Threads(const Flags& flags) : stack_(flags), control_(stack_) { stack_.settle(); }

void Threads::enter() { control_.read(); }

Instant Threads::next_event() const {
  Instant next = stack_.next_deadline();
  if (sleeper_.asleep) next = earlier(next, sleeper_.until);
  return next > kEnd ? kNever : next;
}

void Threads::settle(Lock& lock) {
  for (;;) {
    stack_.settle();
    const bool due =
        sleeper_.asleep && (stack_.sockets().changes() != sleeper_.changes || stack_.now() >= sleeper_.until);
    if (!due) break;
    sleeper_.asleep = false;
    sleeper_.woken = sleeper_.running = true;
    wake_time_ = stack_.now();
    to_sleeper_.notify_one();
    to_script_.wait(lock, [this] { return !sleeper_.running; });
  }
  control_.write();
}

void Threads::advance_to(Instant to, Lock& lock) {
  for (Instant next = next_event(); next <= to; next = next_event()) {
    stack_.set_now(std::max(next, stack_.now()));
    settle(lock);
  }
  stack_.set_now(to);
  settle(lock);
}

// S has come back from a call: what the tool does after it (it notes the descriptor, say) is done before the
// clock moves on. Not for ever: S may have other business.
void Threads::let_return() {
  const pid_t thread = returned_.exchange(0);
  if (thread == 0) return;
  for (int i = 0; i < 5000 && is_running(thread); ++i) std::this_thread::sleep_for(20us);
}

// Thread S, which until here moves the clock like M: it waits for the time of its call by itself. Whoever
// looks at /proc/self/task sees a thread that sleeps.
void Threads::sleep_in_call(Instant until, Lock& lock) {
  sleeper_ = {.asleep = true,
              .woken = false,
              .running = false,
              .changes = stack_.sockets().changes(),
              .until = until};
  to_script_.notify_one();
  to_sleeper_.wait(lock, [this] { return sleeper_.woken; });
  sleeper_.woken = false;
}

int64_t Threads::call(const Attempt& attempt) {
  Lock lock(mutex_);
  enter();
  socket::Call call;
  socket::Outcome outcome;
  for (;;) {
    outcome = attempt(stack_.sockets(), call);
    settle(lock);
    if (!outcome.blocked) break;
    if (!is_script_thread()) {
      sleep_in_call(outcome.until, lock);
      continue;
    }
    // Nobody else will run the clock.
    const Instant next = earlier(next_event(), outcome.until);
    if (next == kNever) {
      outcome = socket::Outcome::failed(EDEADLK);
      break;
    }
    advance_to(next, lock);
  }
  if (!is_script_thread() && sleeper_.running) {
    sleeper_.running = false;
    returned_ = ::gettid();
    to_script_.notify_one();
  }
  if (outcome.error == 0) return outcome.value;
  errno = outcome.error;
  return -1;
}

bool Threads::inject(std::span<const uint8_t> packet) {
  Lock lock(mutex_);
  enter();
  const bool taken = stack_.inject(packet);
  settle(lock);
  return taken;
}

std::optional<Stack::Sent> Threads::receive() {
  Lock lock(mutex_);
  enter();
  while (stack_.sent().empty()) {
    const Instant next = next_event();
    if (next == kNever) return std::nullopt;
    advance_to(next, lock);
  }
  Stack::Sent sent = std::move(stack_.sent().front());
  stack_.sent().pop_front();
  return sent;
}

void Threads::sleep(Micros time) {
  if (is_script_thread()) let_return();  // here the tool lets S go on
  Lock lock(mutex_);
  enter();
  advance_to(stack_.now() + time, lock);
}

Instant Threads::time_of_day() {
  Lock lock(mutex_);
  // What S does after its call comes to its turn later than M's next steps.
  if (!is_script_thread() && wake_time_) return *std::exchange(wake_time_, std::nullopt);
  enter();
  advance_to(stack_.now() + 1us, lock);
  return stack_.now();
}

bool Threads::owns(int fd) {
  const Lock lock(mutex_);
  return stack_.sockets().owns(fd);
}

void Threads::own(const IpAddress& address) {
  const Lock lock(mutex_);
  stack_.own(address);
}

}  // namespace millrace::packetdrill
