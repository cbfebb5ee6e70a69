// The torture test: two stacks against each other over a bad link, one run a seed. A run that fails prints
// the command that repeats it.
//
//   sim_torture --first N --count N [--twice]   the seeds of a range; --twice: each again, to see that it
//   replays sim_torture --seed N [--ladder]             one seed, with its plan (and its first connection
//   drawn)
//
// MILLRACE_SEED=N stands for --seed N.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "torture_run.h"

namespace millrace::sim::torture {
namespace {

struct Request {
  uint64_t first = 0;
  uint64_t count = 100;
  bool single = false;
  bool twice = false;
  bool ladder = false;
};

constexpr int kFailuresShown = 5;

// For the message of a run that dies of a broken invariant.
char dying_words[256];

void on_abort(int) { std::fputs(dying_words, stderr); }

bool number(const char* text, uint64_t& out) {
  const std::string_view digits(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return error == std::errc{} && end == digits.data() + digits.size();
}

bool parse(std::vector<const char*> args, Request& request) {
  if (const char* seed = std::getenv("MILLRACE_SEED"); seed != nullptr) {
    request.single = true;
    if (!number(seed, request.first)) return false;
  }
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg(args[i]);
    const auto value = [&](uint64_t& out) { return ++i < args.size() && number(args[i], out); };
    if (arg == "--twice")
      request.twice = true;
    else if (arg == "--ladder")
      request.ladder = true;
    else if (arg == "--first"   ? !value(request.first)
             : arg == "--count" ? !value(request.count)
                                : arg != "--seed")
      return false;
    else if (arg == "--seed") {
      request.single = true;
      if (!value(request.first)) return false;
    }
  }
  if (request.single) request.count = 1;
  return true;
}

void print_totals(const Outcome& all, uint64_t seeds) {
  std::cout << seeds << " seeds: " << all.frames << " frames, " << all.retransmitted
            << " segments sent again, " << all.octets << " octets delivered, " << all.iterations
            << " iterations, " << all.orphans << " orphans, " << all.took.count() / 1'000'000
            << " s of virtual time\n";
}

bool run_seed(uint64_t seed, const Request& request, const char* program, Outcome& all) {
  std::snprintf(dying_words, sizeof dying_words, "repeat it with: %s --seed %llu\n", program,
                static_cast<unsigned long long>(seed));
  const Plan plan = draw_plan(seed);
  if (request.single) std::cout << describe(plan);
  Outcome outcome = run(plan, request.ladder ? &std::cout : nullptr);
  if (request.twice && run(plan).digest != outcome.digest)
    outcome.failures.emplace_back("the same seed gave another run");
  all.frames += outcome.frames;
  all.retransmitted += outcome.retransmitted;
  all.octets += outcome.octets;
  all.iterations += outcome.iterations;
  all.orphans += outcome.orphans;
  all.took += outcome.took;
  if (outcome.failures.empty()) return true;
  for (const std::string& failure : outcome.failures) std::cout << "seed " << seed << ": " << failure << '\n';
  std::cout << "repeat it with: " << program << " --seed " << seed << '\n';
  return false;
}

int run_all(const Request& request, const char* program) {
  int failed = 0;
  Outcome all;
  uint64_t seed = request.first;
  for (; seed < request.first + request.count && failed < kFailuresShown; ++seed)
    failed += run_seed(seed, request, program, all) ? 0 : 1;
  print_totals(all, seed - request.first);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace millrace::sim::torture

int main(int argc, char** argv) {
  using namespace millrace::sim::torture;
  Request request;
  if (!parse({argv + 1, argv + argc}, request)) {
    std::cerr << "usage: sim_torture [--first N] [--count N] [--twice] | --seed N [--ladder]\n";
    return 2;
  }
  std::signal(SIGABRT, on_abort);
  return run_all(request, argv[0]);
}
