// `millracectl top`: what changed between two looks, as numbers and as a screen of text. Pure, but for
// run_top. Neighbours: commands.h (its declaration), terminal.h (keys and the screen).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/cli/commands.h"
#include "control/socket/protocol.h"

namespace millrace::control::cli {

// What is asked in one look. Rows are at most `kMostScanned`, so that a look costs an lcore little however
// many connections there are.
struct Look {
  json stats;
  json version;
  json rows = json::array();
  bool more = false;    // connections that were not looked at
  std::string problem;  // why connections could not be listed; empty: they were
};
inline constexpr size_t kMostScanned = 1024;

// By what connections are sorted: octets a second, or a column of `conns`.
inline constexpr std::string_view kByRate = "rate";
std::string_view next_sort(std::string_view sort);

// Rates a second, shares, and connections with theirs; see top.cpp for the names.
json top_view(const Look& now, const Look& before, std::string_view sort, size_t connections);
std::string top_text(const json& view, std::string_view sort);
// At most so many lines of so many characters.
std::string fitted(std::string_view text, size_t rows, size_t columns);

void declare_top(boost::program_options::options_description& options);
int run_top(Call& call);

}  // namespace millrace::control::cli
