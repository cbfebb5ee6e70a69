#include "sim/receiver_view.h"

#include <algorithm>
#include <iterator>

namespace millrace::sim {

bool Arrived::add(uint64_t begin, uint64_t end) {
  begin = std::max(begin, in_order_);
  if (begin >= end) return true;
  auto next = beyond_.upper_bound(begin);
  if (next != beyond_.begin()) {
    const auto before = std::prev(next);
    if (before->second >= end) return true;
    if (before->second >= begin) {
      begin = before->first;
      beyond_.erase(before);
    }
  }
  while (next != beyond_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = beyond_.erase(next);
  }
  if (begin == in_order_)
    in_order_ = end;
  else
    beyond_.emplace(begin, end);
  return false;
}

uint64_t Unwrapped::operator()(Seq seq) {
  offset_ += static_cast<uint64_t>(int64_t{static_cast<int32_t>(seq - last_)});
  last_ = seq;
  return offset_;
}

bool ReceiverView::sent(Seq seq, uint32_t octets) {
  if (!begun_) {
    begun_ = true;
    sent_offset_.begin(seq);
    arrived_offset_.begin(seq);
  }
  const uint64_t begin = sent_offset_(seq);
  const bool again = begin < sent_to_;
  sent_to_ = std::max(sent_to_, begin + octets);
  return again;
}

bool ReceiverView::arrived(Seq seq, uint32_t octets) {
  const uint64_t begin = arrived_offset_(seq);
  return octets_.add(begin, begin + octets);
}

}  // namespace millrace::sim
