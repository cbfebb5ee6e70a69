// millracectl from its arguments to its exit code. Neighbours: commands.h (the commands), main.cpp (the
// program).
#pragma once

#include <string>
#include <vector>

#include "control/cli/commands.h"

namespace millrace::control::cli {

// `arguments` without the program's name. Returns kOk, kEndpointError, kUsage or kUnreachable.
int run(const std::vector<std::string>& arguments, World& world);

}  // namespace millrace::control::cli
