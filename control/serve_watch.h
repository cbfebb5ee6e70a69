// What an operator should know while the endpoint runs: counters that rise although nothing of ours is wrong,
// with the command that mends it. Said at most once a minute each.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/counters.h"

namespace millrace::control {

class Watch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kSilence{1};

  // `interface` is the kernel's interface that the port is, or whose other end it is; empty: there is none.
  // `on_host`: the port is that interface, and the peer is behind it.
  Watch(std::string interface, bool on_host);

  // Sentences to log now.
  std::vector<std::string> look(std::span<const Counters* const> shards, Time now);

 private:
  struct Sign {
    uint64_t said = 0;         // the count when it was last said
    std::optional<Time> when;  // it was last said
  };
  // Whether a count has risen and may be told: by how much.
  static std::optional<uint64_t> risen(Sign& sign, uint64_t count, Time now);

  std::string peer_;
  std::string own_;
  Sign unfinished_;
  Sign too_long_;
};

}  // namespace millrace::control
