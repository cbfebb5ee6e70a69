// A terminal that is ours for a while: keys as they are pressed, a screen beside the one of the shell.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

namespace millrace::control::cli {

struct ScreenSize {
  size_t rows = 24;
  size_t columns = 80;
};

class Terminal {
 public:
  static constexpr char kNoKey = '\0';
  static constexpr char kEnd =
      '\x03';  // what Ctrl-C sends; also said for signals and a terminal that went away

  Terminal() = default;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  virtual ~Terminal() = default;

  // Waits at most so long for a key.
  virtual char key(std::chrono::milliseconds wait) = 0;
  virtual ScreenSize size() const = 0;
};

// Standard input and output; given back when it is destroyed. Null: standard input is no terminal.
std::unique_ptr<Terminal> take_terminal();

}  // namespace millrace::control::cli
