// Runs one plan of the torture test and judges it. Neighbours: torture_plan.h, torture_peer.h, torture.cpp
// (many runs).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "torture_plan.h"

namespace millrace::sim::torture {

struct Outcome {
  std::vector<std::string> failures;  // none: all is well
  uint64_t digest = 0;                // of all frames
  uint64_t frames = 0;
  uint64_t retransmitted = 0;
  uint64_t octets = 0;  // of payload accepted, both directions
  uint64_t iterations = 0;
  Micros took{};         // virtual
  uint32_t orphans = 0;  // connections whose peer's RST was lost and who had nothing to send
};

// `ladder`: where to draw the first connection; nullptr: nowhere.
Outcome run(const Plan& plan, std::ostream* ladder = nullptr);

}  // namespace millrace::sim::torture
