#include "config/origin.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "config/text.h"

namespace millrace::config {

std::string Origin::text() const {
  switch (source) {
    case Source::Default:
      return "default";
    case Source::File:
      return line == 0 ? shortened(where, 255) : shortened(where, 255) + ':' + std::to_string(line);
    case Source::CommandLine:
      return shortened(where);
  }
  return {};
}

std::string Problem::text() const {
  std::string out;
  if (origin.source != Source::Default) out = origin.text() + ": ";
  if (!key.empty()) out += key + ": ";
  return out + message;
}

void Problems::add(Origin origin, std::string key, std::string message) {
  ++total_;
  if (kept_.size() < kKept) kept_.push_back({std::move(origin), std::move(key), std::move(message)});
}

void Problems::add(const Problems& others) {
  for (const Problem& problem : others.kept_)
    if (kept_.size() < kKept) kept_.push_back(problem);
  total_ += others.total_;
}

void Problems::sort() {
  const auto rank = [](const Problem& problem) {
    const int source = problem.origin.source == Source::File          ? 0
                       : problem.origin.source == Source::CommandLine ? 1
                                                                      : 2;
    return std::tuple(source, source == 0 ? problem.origin.line : 0);
  };
  std::stable_sort(kept_.begin(), kept_.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
}

std::string Problems::text() const {
  std::string out;
  for (const Problem& problem : kept_) out += problem.text() + '\n';
  if (total_ > kept_.size()) out += "and " + std::to_string(total_ - kept_.size()) + " more problems\n";
  return out;
}

}  // namespace millrace::config
