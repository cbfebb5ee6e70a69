#include "shard/slow_peers.h"

#include <algorithm>

namespace millrace::shard {

bool SlowPeers::walk(Instant now, Micros interval) {
  if (!watching_) {
    watching_ = true;
    marked_ = false;
    next_walk_ = now;
  }
  if (now < next_walk_) return false;
  if (!walking_) {
    walking_ = true;
    next_ = 0;
    began_ = now;
    found_.clear();
  }
  const uint32_t end = std::min(next_ + kWalked, connections_->extent());
  for (; next_ < end; ++next_) look_at(next_);
  if (next_ < connections_->extent()) return false;
  walking_ = false;
  marked_ = true;
  marked_at_ = began_;
  next_walk_ = began_ + interval;
  std::sort_heap(found_.begin(), found_.end());
  std::reverse(found_.begin(), found_.end());
  return true;
}

// And not another one that has taken its place.
bool SlowPeers::is_as_old_as_the_mark(uint32_t index) const {
  if (!connections_->contains(index)) return false;
  const app::Connection& connection = (*connections_)[index];
  return connection.opened_at < marked_at_ && !connection.links.detached;
}

void SlowPeers::look_at(uint32_t index) {
  if (index == marks_.size()) marks_.emplace_back();
  if (!connections_->contains(index)) return;
  const app::Connection& connection = (*connections_)[index];
  tcp::DeliveryMark& mark = marks_[index];
  if (marked_ && is_as_old_as_the_mark(index)) {
    const tcp::Tcb& tcb = connection.tcb();
    const tcp::Delivery sent = tcp::delivery_since(mark, tcb);
    if (tcp::is_slow(sent, tcb, kIntervals)) remember({index, sent, false});
    const tcp::Delivery received = tcp::arrival_since(mark, tcb);
    if (tcp::is_slow(received, kIntervals)) remember({index, received, true});
  }
  mark = tcp::mark_delivery(connection.tcb());
}

void SlowPeers::remember(const Found& found) {
  found_.push_back(found);
  std::push_heap(found_.begin(), found_.end());
  if (found_.size() <= kRemembered) return;
  std::pop_heap(found_.begin(), found_.end());
  found_.pop_back();
}

SlowPeers::Slow SlowPeers::take_slowest() {
  while (!found_.empty()) {
    const Slow slow{found_.back().index, found_.back().out_of_order};
    found_.pop_back();
    if (is_as_old_as_the_mark(slow.connection)) return slow;  // the walk took a while
  }
  return {kNoIndex, false};
}

void SlowPeers::forget() {
  watching_ = walking_ = marked_ = false;
  found_.clear();
}

}  // namespace millrace::shard
