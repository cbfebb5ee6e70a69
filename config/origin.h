// Where a value came from, and what is wrong with it: the two things that every message of this room carries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::config {

// Ordered by precedence: a later one overrides an earlier one.
enum class Source : uint8_t { Default, File, CommandLine };

struct Origin {
  Source source = Source::Default;
  std::string where;  // the file's name, or the option as it was given (`--set tcp.msl=5s`)
  size_t line = 0;    // of the file, from 1; 0: the file as a whole

  std::string text() const;  // `endpoint.conf:12`, `--set tcp.msl=5s`, `default`
};

struct Problem {
  Origin origin;
  std::string key;      // `tcp.rto_min`, `[tcp]` or empty
  std::string message;  // one sentence: what was given, what is allowed, what to do

  std::string text() const;  // `endpoint.conf:12: tcp.rto_mni: unknown key; did you mean tcp.rto_min?`
};

// All problems found, kept up to a bound so that a hostile file cannot make a hostile report.
class Problems {
 public:
  static constexpr size_t kKept = 200;

  void add(Origin origin, std::string key, std::string message);
  void add(const Problems& others);
  // File problems by line, then those of the command line, then those of nobody's line; otherwise as found.
  void sort();
  bool empty() const { return total_ == 0; }
  size_t total() const { return total_; }
  const std::vector<Problem>& kept() const { return kept_; }
  // One line a problem, in the order of finding; a last one counts those not kept.
  std::string text() const;

 private:
  std::vector<Problem> kept_;
  size_t total_ = 0;
};

}  // namespace millrace::config
