// Checks that look at several keys at once. What one key may hold is checked where it is parsed
// (config/value).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"

namespace millrace::config {

enum class Purpose : uint8_t {
  Serve,   // all that `serve` needs is there
  Load,    // all that `load` needs is there
  Partial  // the rest comes later, from a command line
};

// Adds to `problems`. What an earlier problem says already (a value that is missing because it was refused)
// is not said twice.
void validate(const Config& config, Purpose purpose, Problems& problems);

// Octets of packet memory that one lcore's pools take, and how it was reckoned.
struct Reckoning {
  uint64_t bytes = 0;
  std::string text;  // `1 lcore x (16384 + 16384) mbufs x 2368 octets = 74 MiB`
};
Reckoning packet_memory(const Settings& settings);

// Lines for people: what the memory settings amount to.
std::vector<std::string> memory_lines(const Settings& settings);

}  // namespace millrace::config
