// Settings shown to people and programs, each with where it came from.
#pragma once

#include <string>

#include "config/config.h"

namespace millrace::config {

enum class Shown { Set, All };  // only what was set, or defaults as well

// A configuration file again, with origins as comments: reading it back gives the same settings.
std::string show_text(const Config& config, Shown shown);

// An array of {"key", "value", "text", "unit", "source", "file", "line"}; numbers in the key's unit.
std::string show_json(const Config& config, Shown shown);

}  // namespace millrace::config
