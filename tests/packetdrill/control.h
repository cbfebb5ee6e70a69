// The control directory (ctl=DIR), by which the shell commands of a script reach the stack: `sysctl` takes
// name=value, `cmd` takes commands, `conns` shows the connections. Neighbour: threads.h.
#pragma once

#include <string>
#include <string_view>

#include "stack.h"

namespace millrace::packetdrill {

class Control {
 public:
  explicit Control(Stack& stack) : stack_(stack) {}

  // What has been appended since the last time.
  void read();
  // The connections, when they have changed.
  void write();

  // One line of the file `sysctl`; false: a name that means nothing here.
  bool set(std::string_view line);

 private:
  void command(std::string_view line);
  template <typename F>
  void read_lines(const char* name, size_t& offset, F&& take);

  Stack& stack_;
  size_t sysctl_read_ = 0;
  size_t commands_read_ = 0;
  std::string shown_;
};

}  // namespace millrace::packetdrill
