// Proportional rate reduction (RFC 9937): how much may be sent for each acknowledgement in fast recovery, so
// that the flight reaches ssthresh by its end without a pause and without a burst.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace millrace::recovery {

class Prr {
 public:
  // RFC 9937 §6.1: `flight` octets are outstanding when recovery begins.
  void open(Bytes flight, Bytes ssthresh) {
    recover_fs_ = std::max<Bytes>(flight, 1);
    ssthresh_ = ssthresh;
    delivered_ = out_ = 0;
  }
  // §6.2: the window after an acknowledgement of `delivered` octets with `pipe` left in the network. `safe`:
  // SND.UNA has moved and nothing more was found lost.
  Bytes on_ack(Bytes delivered, Bytes pipe, bool safe, Bytes smss) {
    delivered_ += delivered;
    int64_t count = 0;
    if (pipe > ssthresh_) {
      const uint64_t share = (uint64_t{delivered_} * ssthresh_ + recover_fs_ - 1) / recover_fs_;
      count = static_cast<int64_t>(share) - out_;
    } else {
      count = std::max<int64_t>(int64_t{delivered_} - out_, delivered);
      if (safe) count += smss;
      count = std::min<int64_t>(count, ssthresh_ - pipe);
    }
    if (out_ == 0) count = std::max<int64_t>(count, smss);  // the fast retransmit leaves in any case
    return pipe + static_cast<Bytes>(std::max<int64_t>(count, 0));
  }
  void on_sent(Bytes octets) { out_ += octets; }

 private:
  Bytes recover_fs_ = 1;
  Bytes ssthresh_ = 0;
  Bytes delivered_ = 0;
  Bytes out_ = 0;
};

}  // namespace millrace::recovery
