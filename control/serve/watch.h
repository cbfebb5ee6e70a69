// What an operator should know while the endpoint runs: counters that rise although nothing of ours is wrong,
// with the command that mends it. Said at most once a minute each.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
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

// Says when the link goes and when it comes back; of a link that flaps, a few sentences a minute and then how
// often it has.
class LinkWatch {
 public:
  using Time = Watch::Time;
  static constexpr std::chrono::minutes kWindow{1};
  static constexpr unsigned kSentences = 6;

  // `up`: as it was reported at the start.
  LinkWatch(std::string device, bool up) : device_(std::move(device)), up_(up) {}

  // A sentence to log now.
  std::optional<std::string> look(bool up, Time now);

 private:
  std::string device_;
  bool up_;
  uint64_t untold_ = 0;  // changes
  unsigned said_ = 0;    // sentences in the window
  Time window_{};        // its begin
};

}  // namespace millrace::control
