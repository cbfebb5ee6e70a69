// What the commands of `millrace` that a configuration drives say of themselves: `serve`, `load`, `config
// ...`. Neighbours: commands.h (what they do), manual/page.h (the form).
#pragma once

#include <boost/program_options/options_description.hpp>
#include <span>
#include <string>
#include <vector>

#include "config/command_line.h"
#include "config/manual/page.h"

namespace millrace::config {

std::vector<manual::Command> pages();
std::vector<manual::Placeholder> placeholders();

// Options beside those of the schema.
std::span<const ExtraOption> check_options();
std::span<const ExtraOption> load_options();
std::span<const ExtraOption> show_options();
boost::program_options::options_description diff_options();
boost::program_options::options_description reference_options();

}  // namespace millrace::config
