#include "sim/receiver_view.h"

#include <algorithm>
#include <iterator>

#include "sim/faults.h"

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

ReceiverView* FlowViews::find(const wire::FlowAddress& flow) {
  for (auto& [known, view] : flows_)
    if (known == flow) return &view;
  if (flows_.size() == kMost) return nullptr;
  return &flows_.emplace_back(flow, ReceiverView()).second;
}

bool FlowViews::departed(std::span<const uint8_t> frame) {
  const wire::Frame parsed = frame_view(frame);
  ReceiverView* view = has_payload(parsed) ? find(parsed.tcp.flow) : nullptr;
  if (view == nullptr) return false;
  ++counts_.sent;
  counts_.retransmitted += view->sent(parsed.tcp.seq, parsed.tcp.payload_length) ? 1 : 0;
  return true;
}

bool FlowViews::arrived(std::span<const uint8_t> frame) {
  const wire::Frame parsed = frame_view(frame);
  ReceiverView* view = has_payload(parsed) ? find(parsed.tcp.flow) : nullptr;
  if (view == nullptr) return false;
  ++counts_.arrived;
  counts_.spurious += view->arrived(parsed.tcp.seq, parsed.tcp.payload_length) ? 1 : 0;
  return true;
}

}  // namespace millrace::sim
