// `millrace serve` and `millrace load` in a build without DPDK.
#include <ostream>

#include "control/load/load.h"
#include "control/serve/serve.h"

namespace millrace::control {

namespace {

int refuse(std::ostream& err, const char* command) {
  err << "millrace " << command
      << ": this program was built without DPDK; build it with -DMILLRACE_DPDK=ON\n";
  return 2;
}

}  // namespace

int run_serve(std::span<const std::string>, std::ostream&, std::ostream& err) { return refuse(err, "serve"); }
int run_load(std::span<const std::string>, std::ostream&, std::ostream& err) { return refuse(err, "load"); }

}  // namespace millrace::control
