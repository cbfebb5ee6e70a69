#include "control/cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

namespace millrace::control::cli {

namespace {

// Control sequences of ECMA-48 and xterm: the other screen, the cursor.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l";
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";

volatile std::sig_atomic_t ended = 0;

void end(int) { ended = 1; }

void put(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

class StandardTerminal final : public Terminal {
 public:
  explicit StandardTerminal(const termios& before) : before_(before) {
    termios raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    struct sigaction action {};
    action.sa_handler = end;
    for (size_t i = 0; i < kSignals; ++i) sigaction(kEnding[i], &action, &actions_[i]);
    put(kEnter);
  }
  ~StandardTerminal() override {
    put(kLeave);
    for (size_t i = 0; i < kSignals; ++i) sigaction(kEnding[i], &actions_[i], nullptr);
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  char key(std::chrono::milliseconds wait) override {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = poll(&input, 1, static_cast<int>(wait.count()));
    if (ended != 0) return kEnd;
    if (ready <= 0) return kNoKey;
    char pressed = kEnd;
    return read(STDIN_FILENO, &pressed, 1) == 1 ? pressed : kEnd;
  }

  ScreenSize size() const override {
    winsize window{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return {};
    return {window.ws_row, window.ws_col};
  }

 private:
  static constexpr size_t kSignals = 3;
  static constexpr int kEnding[kSignals] = {SIGTERM, SIGHUP, SIGINT};
  const termios before_;
  struct sigaction actions_[kSignals] {};
};

}  // namespace

std::unique_ptr<Terminal> take_terminal() {
  termios before{};
  if (tcgetattr(STDIN_FILENO, &before) != 0) return nullptr;
  return std::make_unique<StandardTerminal>(before);
}

}  // namespace millrace::control::cli
