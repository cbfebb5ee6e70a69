// The commands of `millrace`: what each says of itself, and what it runs.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "config/manual/page.h"

namespace millrace::control {

// What `--help`, man pages, completion and the reference are read from.
manual::Program program_page();

// Runs the command that the first word names; the exit status.
int run_program(std::span<const std::string> args, std::ostream& out, std::ostream& err);

}  // namespace millrace::control
