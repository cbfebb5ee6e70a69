// The lanes of one capture, one an lcore: put where the lcores look, emptied in the order of time, taken
// away. Neighbours: dpdk/capture.h (a lane), stream.h (owns these).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "control/socket/view.h"
#include "dpdk/capture.h"

namespace millrace::control {

class CaptureLanes {
 public:
  // As EndpointView::post.
  using Post = std::function<bool(unsigned shard, Question question)>;

  // `points`, one a shard, and whoever takes what is posted outlive the lanes.
  CaptureLanes(const dpdk::CaptureParams& params, std::vector<dpdk::CapturePoint*> points, Post post);

  // False: an lcore did not come by in time; it is not captured from.
  bool begin() { return exchange(lanes_); }
  // False: an lcore did not come by in time; what it copies from now on is lost.
  bool end() { return exchange({}); }

  // The oldest frame that is not younger than `time`, valid until pop(). False: there is none.
  bool front(int64_t time, dpdk::CaptureLane::Frame& frame);
  void pop() { lanes_[at_]->pop(); }
  // The lane of the frame that front() found.
  size_t at() const { return at_; }
  uint64_t dropped() const;

 private:
  using Lane = std::shared_ptr<dpdk::CaptureLane>;  // an lcore has a share while it may copy

  bool exchange(const std::vector<Lane>& lanes);

  const std::vector<dpdk::CapturePoint*> points_;
  const Post post_;
  std::vector<Lane> lanes_;
  size_t at_ = 0;
};

}  // namespace millrace::control
