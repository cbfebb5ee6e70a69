// `millrace serve`: settings -> EAL -> port -> pools -> shard -> services -> lcore -> control socket ->
// ready, and the way back. Neighbours: endpoint.h (what is started), watch.h (what it says while
// it runs).
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace millrace::control {

// `args` is what follows the word `serve`. Returns the exit status: 0 stopped as asked, 1 failed while
// running, 2 could not start.
int run_serve(std::span<const std::string> args, std::ostream& out, std::ostream& err);

}  // namespace millrace::control
