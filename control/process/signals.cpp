#include "control/process/signals.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace millrace::control {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

sigset_t reload_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void block_reload_signal() {
  const sigset_t set = reload_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool reload_signal() {
  const sigset_t set = reload_signals();
  const timespec now{};
  return sigtimedwait(&set, nullptr, &now) > 0;
}

bool stop_signal(std::chrono::milliseconds patience) {
  const sigset_t set = stop_signals();
  const timespec time{.tv_sec = patience.count() / 1000, .tv_nsec = patience.count() % 1000 * 1'000'000};
  return sigtimedwait(&set, nullptr, &time) > 0;
}

ImpatientStart::ImpatientStart(const char* command)
    : thread_([this, command] {
        while (!started_) {
          if (!stop_signal(std::chrono::milliseconds(20))) continue;
          std::fprintf(stderr, "millrace %s: stopped while starting\n", command);
          std::_Exit(1);
        }
      }) {}

ImpatientStart::~ImpatientStart() {
  started_ = true;
  thread_.join();
}

}  // namespace millrace::control
