// What millracectl says of itself: `help`, man page, completion and reference are read from it, and it from
// the table of commands.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <string_view>

#include "config/manual/page.h"

namespace millrace::control::cli {

manual::Program program_page();
// Of the commands of `page`; null: there is none of that name.
const manual::Command* find_page(const manual::Program& page, std::string_view name);

// What every command takes.
boost::program_options::options_description common_options();

}  // namespace millrace::control::cli
