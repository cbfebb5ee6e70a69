// What the tests of config/ share: a configuration from text, and its problems as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace millrace::config {

// All that serve needs, so that a test adds only what it is about.
inline constexpr std::string_view kWhole =
    "[port.p0]\nvdev = net_tap0\n[address]\nadd = 10.0.0.2/24\n[service.web]\nkind = http\nlisten = 80\n";

inline Loaded from_text(std::string_view text, Purpose purpose = Purpose::Partial) {
  return load_text("f", text, purpose);
}

inline std::string problems_of(std::string_view text, Purpose purpose = Purpose::Partial) {
  return from_text(text, purpose).problems.text();
}

inline Loaded from_words(const std::vector<std::string>& words, Purpose purpose = Purpose::Partial) {
  Problems problems;
  const CommandLine line = parse_command_line(words, {}, Words::Refused, problems);
  return load(line, purpose, problems);
}

}  // namespace millrace::config
