// From a file and a command line to settings: read, apply in the order of precedence, check.
#pragma once

#include <string>
#include <string_view>

#include "config/command_line.h"
#include "config/config.h"
#include "config/settings.h"
#include "config/validate.h"

namespace millrace::config {

struct Loaded {
  Config config;
  Settings settings;  // to be used only when there are no problems
  Problems problems;
};

// Defaults, then the file that -c names, then the command line. `problems` of the command line's parsing go
// first.
Loaded load(const CommandLine& command_line, Purpose purpose, const Problems& problems = {});

// The same from text that is already in memory; `file` is its name in messages.
Loaded load_text(std::string_view file, std::string_view text, Purpose purpose);

}  // namespace millrace::config
