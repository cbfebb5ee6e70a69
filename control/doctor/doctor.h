// `millrace doctor`: what of this host stands in an endpoint's way, and the command that mends it.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

#include "config/manual/page.h"

namespace millrace::control {

// `args` are the words behind `millrace doctor`. Exit status: 0 nothing to mend, 1 warnings, 2 errors or a
// bad command line.
int run_doctor(std::span<const std::string> args, std::ostream& out, std::ostream& err);

manual::Command doctor_page();

}  // namespace millrace::control
