// One experiment on a simulated path: bulk flows from one host to another over one bottleneck, in virtual
// time, and what was seen of them from outside. Neighbours: main.cpp (the command line), cells.py (which
// experiments there are).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cc/controller.h"
#include "sim/link.h"

namespace millrace::paths {

struct Plan {
  sim::LinkParams there{};             // of the data
  sim::LinkParams back{};              // of the acknowledgements
  std::vector<cc::Algorithm> flows{};  // a connection each
  Micros stagger{};                    // between the beginnings of two flows
  Micros warm_up{};                    // slow start is in it
  Micros limit{};                      // measured from then on for so long,
  uint64_t segments = UINT64_MAX;      // or until so many segments have arrived
  Micros every{};                      // a Sample a flow so often; 0: none
  Micros outage{};                     // after that both directions are dead for so long; 0: no outage
  uint64_t seed = 1;
};

// A flow at an instant.
struct Sample {
  double at_s = 0;  // since the beginning
  size_t flow = 0;
  uint64_t received_bytes = 0;
  Bytes cwnd_bytes = 0;
  Bytes ssthresh_bytes = 0;
  Bytes in_flight_bytes = 0;
  Bytes send_window_bytes = 0;
  Micros srtt{};
  Micros rto{};
};

// What one flow's application received.
struct FlowFigures {
  std::string_view algorithm;
  uint64_t warm_up_bytes = 0;
  uint64_t measured_bytes = 0;
};

struct Figures {
  std::vector<FlowFigures> flows;
  double warm_up_s = 0;
  double measured_s = 0;
  // Of the measured time. Segments with payload; the link's own duplicates do not count.
  uint64_t sent_segments = 0;
  uint64_t retransmitted_segments = 0;
  uint64_t spurious_segments = 0;  // retransmissions that brought the receiver nothing
  uint64_t lost_segments = 0;      // by the link
  uint64_t overflown_segments = 0;
  uint64_t timeouts = 0;
  uint64_t probes = 0;  // tail loss probes
  uint64_t recoveries = 0;
  uint64_t undone = 0;  // what the sender itself took for spurious
  double queue_mean_us = 0;
  double queue_p95_us = 0;
  // Of slow start.
  uint64_t warm_up_retransmitted_segments = 0;
  uint64_t warm_up_overflown_segments = 0;
  uint64_t warm_up_timeouts = 0;
  // After an outage: from its end until an octet arrives, and until the flow has for a while been as fast as
  // 80 % of what it was before; negative: not within a minute.
  double resumed_s = -1;
  double recovered_s = -1;
  std::vector<Sample> samples;
  // How it was done.
  bool closed = false;  // a connection ended on the way
  uint64_t iterations = 0;
  uint64_t digest = 0;
};

Figures run(const Plan& plan);

}  // namespace millrace::paths
