// Whether a load reached what was asked of it, and the one sentence that names the side or the limit at
// fault.
#pragma once

#include <string>

#include "config/load_settings.h"
#include "control/load/sample.h"

namespace millrace::control {

// What a load came to.
struct LoadResult {
  config::LoadSettings asked;
  double seconds = 0;   // that were measured
  LoadSample measured;  // in them
  LoadSample whole;     // from the first connection on
  bool interrupted = false;
  bool link_up = true;
  std::string device;

  // A second, of what the mode is named for.
  double requests_rate() const { return rate(measured.counts.responses); }
  double connections_rate() const { return rate(measured.counts.completed); }
  double sent_gbit_rate() const { return rate(measured.counts.bytes_sent) * 8e-9; }
  double received_gbit_rate() const { return rate(measured.counts.bytes_received) * 8e-9; }
  double rate(uint64_t count) const { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }
};

struct LoadVerdict {
  bool reached = false;
  std::string sentence;
};

LoadVerdict judge(const LoadResult& result);

}  // namespace millrace::control
