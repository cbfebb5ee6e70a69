// The syntax of a file, and nothing of its meaning: sections and `key = value` lines with their numbers.
// Hostile input is bounded: octets a file, octets a line, settings a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/origin.h"

namespace millrace::config {

inline constexpr size_t kFileLimit = 1 << 20;  // octets
inline constexpr size_t kLineLimit = 8192;     // octets
inline constexpr size_t kSettingLimit = 4096;  // `key = value` lines

// `key = value` as it was written: nothing is known of either yet.
struct Line {
  std::string section;
  std::string instance;  // NAME of [section.NAME]
  std::string key;
  std::string value;  // without quotes
  size_t number = 0;  // from 1
};

// A section heading, kept so that `[service.web]` with nothing under it is seen.
struct Heading {
  std::string section;
  std::string instance;
  size_t number = 0;
};

struct FileText {
  std::vector<Line> lines;
  std::vector<Heading> headings;
};

// Problems name `file` and the line. Sections are checked against the schema here, so that one misspelt
// heading is one problem and not one for each key under it.
FileText read_text(std::string_view file, std::string_view text, Problems& problems);

// The contents of a file of at most kFileLimit octets; empty, with a problem that says why, when it cannot be
// had.
std::string read_file(const std::string& file, Problems& problems);

}  // namespace millrace::config
