// What has arrived at the receiver's end of a simulated path, by sequence numbers, whatever either stack
// makes of it: the judge of which retransmissions were for nothing.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/seq.h"
#include "wire/segment.h"

namespace millrace::sim {

// A set of octets, by their offsets from the first of the flow.
class Arrived {
 public:
  // True: every octet of [begin, end) was there already. Otherwise it is now.
  bool add(uint64_t begin, uint64_t end);
  uint64_t in_order() const { return in_order_; }

 private:
  uint64_t in_order_ = 0;                // all octets below have arrived
  std::map<uint64_t, uint64_t> beyond_;  // begin -> end, none touches another
};

// Sequence numbers of a transfer, which wrap around, as offsets that do not.
class Unwrapped {
 public:
  void begin(Seq first) { last_ = first; }
  // The offset of `seq` from the first: less than 2^31 away from the one asked for before.
  uint64_t operator()(Seq seq);

 private:
  Seq last_;
  uint64_t offset_ = 0;
};

// One flow's data as it leaves its sender and as it comes to its receiver.
class ReceiverView {
 public:
  // A segment with payload leaves its sender, the first one of the flow first. True: it holds octets that had
  // left before.
  bool sent(Seq seq, uint32_t octets);
  // It arrives. True: it brought nothing, for all of it had arrived before.
  bool arrived(Seq seq, uint32_t octets);

 private:
  bool begun_ = false;
  Unwrapped sent_offset_;
  Unwrapped arrived_offset_;
  uint64_t sent_to_ = 0;
  Arrived octets_;
};

// All flows of data on one direction of a link, the first kMost of them.
class FlowViews {
 public:
  static constexpr size_t kMost = 64;
  struct Counts {
    uint64_t sent = 0;           // segments with payload
    uint64_t retransmitted = 0;  // with octets that had left before
    uint64_t arrived = 0;
    uint64_t spurious = 0;  // that brought nothing
  };

  // A frame leaves its sender; the link's own copies are none of these. True: it is a segment with payload.
  bool departed(std::span<const uint8_t> frame);
  bool arrived(std::span<const uint8_t> frame);

  const Counts& counts() const { return counts_; }
  void begin() { counts_ = {}; }

 private:
  ReceiverView* find(const wire::FlowAddress& flow);

  std::vector<std::pair<wire::FlowAddress, ReceiverView>> flows_;
  Counts counts_;
};

}  // namespace millrace::sim
