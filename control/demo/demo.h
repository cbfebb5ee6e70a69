// `millrace demo`: two whole stacks in one process, joined by a simulated link under a virtual clock. It
// needs no rights, no NIC, no huge pages and no DPDK. Neighbours: scenarios.h (what can be played),
// stage.h (on what).
#pragma once

#include <iosfwd>
#include <span>
#include <string>

#include "config/manual/page.h"

namespace millrace::control {

// `args` is what follows the word `demo`. Returns the exit status: 0 done, 1 a scenario did not show what it
// claims, 2 the command line makes no sense.
int run_demo(std::span<const std::string> args, std::ostream& out, std::ostream& err);

manual::Command demo_page();

}  // namespace millrace::control
