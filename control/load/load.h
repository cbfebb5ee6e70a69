// `millrace load`: settings -> a running endpoint with a generator an lcore -> warm-up -> measurement -> the
// result. Neighbours: endpoint.h (what is started), sample.h (what is read), verdict.h (whether
// what was asked was reached), report.h (how it is told).
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace millrace::control {

// `args` is what follows the word `load`. Returns the exit status: 0 reached what was asked, 1 did not or
// failed while running, 2 could not start.
int run_load(std::span<const std::string> args, std::ostream& out, std::ostream& err);

}  // namespace millrace::control
