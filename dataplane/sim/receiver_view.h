// What has arrived at the receiver's end of a simulated path, by sequence numbers, whatever either stack
// makes of it: the judge of which retransmissions were for nothing.
#pragma once

#include <cstdint>
#include <map>

#include "base/seq.h"

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

}  // namespace millrace::sim
