// A line a second while a load runs: in place on a terminal, else one below the other.
#pragma once

#include <iosfwd>
#include <string_view>

#include "control/load/sample.h"

namespace millrace::control {

class LoadProgress {
 public:
  // Nothing is written when `quiet`. `in_place`: `err` is a terminal.
  LoadProgress(std::ostream& err, bool quiet, bool in_place);
  ~LoadProgress();
  LoadProgress(const LoadProgress&) = delete;
  LoadProgress& operator=(const LoadProgress&) = delete;

  // The part of the run that begins, and the sample that it begins with.
  void begin(std::string_view part, const LoadSample& sample);
  void show(const LoadSample& sample);

 private:
  std::ostream& err_;
  bool quiet_;
  bool in_place_;
  bool dangling_ = false;  // a line stands without its end
  std::string_view part_;
  LoadSample first_;
  LoadSample last_;
};

}  // namespace millrace::control
