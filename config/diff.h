// What one configuration says otherwise than another, key by key, defaults included. Neighbours: commands.h
// (`millrace config diff`); a running endpoint compares likewise when it reads its file again.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/config.h"

namespace millrace::config {

struct Difference {
  std::string key;     // port.p0.mtu
  std::string before;  // values of a repeatable key stand in one line; empty: none
  std::string after;
  Change change = Change::Restart;

  std::string text() const;  // `tcp.msl: 30s -> 5s (live)`
};

// In the order of `before`, then what only `after` has.
std::vector<Difference> differences(const Config& before, const Config& after);

std::string diff_json(std::span<const Difference> differences);

}  // namespace millrace::config
