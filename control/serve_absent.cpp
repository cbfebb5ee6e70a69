// `millrace serve` in a build without DPDK.
#include <ostream>

#include "control/serve.h"

namespace millrace::control {

int run_serve(std::span<const std::string>, std::ostream&, std::ostream& err) {
  err << "millrace serve: this program was built without DPDK; build it with -DMILLRACE_DPDK=ON\n";
  return 2;
}

}  // namespace millrace::control
