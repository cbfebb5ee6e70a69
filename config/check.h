// What the files of checks share (validate.cpp, validate_network.cpp, validate_memory.cpp); not for others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace millrace::config {

struct Check {
  const Config& config;
  const Settings& settings;
  Problems& problems;
  std::vector<std::string> refused;  // keys that already have a problem

  bool is_refused(std::string_view path) const;
  // The only value of a key that has a default or is set.
  Entry entry(std::string_view path) const { return config.lookup(path).front(); }
  // `tcp.rto_initial = 1s (default)`.
  static std::string shown(const Entry& entry);
  // Names whichever of the entries was set, the first by preference; where none was, the defaults disagree.
  void contradiction(const Entry& first, const Entry& second, const std::string& message);
};

void check_ports(Check& check);
void check_addresses(Check& check);
void check_routes(Check& check);
void check_memory(Check& check);
void check_load(Check& check);

}  // namespace millrace::config
