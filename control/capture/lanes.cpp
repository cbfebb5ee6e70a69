#include "control/capture/lanes.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <thread>
#include <utility>

namespace millrace::control {

namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kAllBytes = 16 << 20;
constexpr size_t kMostBytes = 4 << 20;  // 3 ms of 10 Gbit/s
constexpr size_t kLeastBytes = 512 << 10;
constexpr auto kPatience = 2000ms;  // for every lcore to pass its mailbox

size_t lane_bytes(size_t lcores) {
  return std::clamp(std::bit_floor(kAllBytes / std::max<size_t>(lcores, 1)), kLeastBytes, kMostBytes);
}

}  // namespace

CaptureLanes::CaptureLanes(const dpdk::CaptureParams& params, std::vector<dpdk::CapturePoint*> points,
                           Post post)
    : points_(std::move(points)), post_(std::move(post)) {
  for (size_t i = 0; i < points_.size(); ++i)
    lanes_.push_back(std::make_shared<dpdk::CaptureLane>(params, lane_bytes(points_.size())));
}

// A lane changes between two bursts of its lcore, by a command: the lcore itself takes it up and lets it go.
bool CaptureLanes::exchange(const std::vector<Lane>& lanes) {
  const auto passed = std::make_shared<std::atomic<size_t>>(0);
  const auto deadline = SteadyClock::now() + kPatience;
  std::vector<bool> told(points_.size(), false);
  for (;;) {
    for (size_t i = 0; i < points_.size(); ++i) {
      if (told[i]) continue;
      told[i] = post_(static_cast<unsigned>(i), [point = points_[i], lane = lanes.empty() ? Lane() : lanes[i],
                                                 passed](shard::Shard&) mutable {
        point->exchange(lane);
        passed->fetch_add(1, std::memory_order_release);
      });
    }
    if (passed->load(std::memory_order_acquire) == points_.size()) return true;
    if (SteadyClock::now() >= deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
}

bool CaptureLanes::front(int64_t time, dpdk::CaptureLane::Frame& frame) {
  bool found = false;
  dpdk::CaptureLane::Frame candidate;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i]->front(candidate) || candidate.time > time || (found && candidate.time >= frame.time))
      continue;
    found = true;
    at_ = i;
    frame = candidate;
  }
  return found;
}

uint64_t CaptureLanes::dropped() const {
  uint64_t sum = 0;
  for (const Lane& lane : lanes_) sum += lane->dropped();
  return sum;
}

}  // namespace millrace::control
