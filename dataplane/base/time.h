// Time as the dataplane knows it: a duration and an instant in microseconds, handed in by the caller.
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace {

using Micros = std::chrono::duration<int64_t, std::micro>;

// The clock of a shard. It has no now(): the world that runs the shard (dpdk/, sim/) reads its own clock once
// an iteration and passes the instant down.
struct ShardClock {
  using duration = Micros;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<ShardClock, duration>;
  static constexpr bool is_steady = true;
};

using Instant = ShardClock::time_point;

// The time of day, handed in like an Instant; it may jump. Told to a shard about once a second.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr Instant kNever = Instant::max();

constexpr Instant earlier(Instant a, Instant b) { return a < b ? a : b; }

using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

}  // namespace millrace
