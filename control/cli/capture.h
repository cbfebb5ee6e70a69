// `capture`: the endpoint streams, this side writes. Neighbours: commands.h (declares the command),
// capture_program.h (the filter), capture_files.h (where it goes).
#pragma once

#include <boost/program_options/options_description.hpp>
#include <cstddef>

#include "control/cli/commands.h"

namespace millrace::control::cli {

inline constexpr size_t kMostFilterWords = 256;

void declare_capture(boost::program_options::options_description& options);
int run_capture(Call& call);

}  // namespace millrace::control::cli
