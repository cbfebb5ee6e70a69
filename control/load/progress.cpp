#include "control/load/progress.h"

#include <spdlog/fmt/fmt.h>

#include <ostream>

#include "control/load/report.h"

namespace millrace::control {

LoadProgress::LoadProgress(std::ostream& err, bool quiet, bool in_place)
    : err_(err), quiet_(quiet), in_place_(in_place) {}

LoadProgress::~LoadProgress() {
  if (dangling_) err_ << '\n' << std::flush;
}

void LoadProgress::begin(std::string_view part, const LoadSample& sample) {
  part_ = part;
  first_ = last_ = sample;
}

void LoadProgress::show(const LoadSample& sample) {
  if (quiet_) return;
  const LoadSample second = between(last_, sample);
  const LoadSample so_far = between(first_, sample);
  const double elapsed = std::max(seconds_between(last_, sample), 1e-6);
  const auto rate = [elapsed](uint64_t count) { return static_cast<double>(count) / elapsed; };
  const std::string text = fmt::format(
      "{} {:3.0f} s  {} requests/s  {} connections/s  {:.2f} Gbit/s up  {:.2f} down  {} open  {} errors  p50 "
      "{} us  "
      "p99 {} us",
      part_, seconds_between(first_, sample), grouped(rate(second.counts.responses)),
      grouped(rate(second.counts.established)), rate(second.counts.bytes_sent) * 8e-9,
      rate(second.counts.bytes_received) * 8e-9, sample.open, so_far.counts.all_errors(),
      so_far.latency.percentile(0.5), so_far.latency.percentile(0.99));
  constexpr std::string_view kToLineEnd = "\x1b[K";
  if (in_place_)
    err_ << '\r' << text << kToLineEnd;
  else
    err_ << text << '\n';
  err_ << std::flush;
  dangling_ = in_place_;
  last_ = sample;
}

}  // namespace millrace::control
