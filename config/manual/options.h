// Options between their parser (Boost.Program_options) and their pages.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <span>
#include <string>
#include <vector>

#include "config/manual/page.h"

namespace millrace::manual {

std::vector<Option> options_of(const boost::program_options::options_description& options);

struct Parsed {
  boost::program_options::variables_map values;
  std::vector<std::string> words;  // that belong to no option
  std::string problem;             // not empty: what is wrong with them, printable
};

// At most `most_words` words beside options; no option may be shortened.
Parsed parse(std::span<const std::string> args, const boost::program_options::options_description& options,
             size_t most_words = 0);

}  // namespace millrace::manual
