// What both shells' completions are made of. Neighbours: bash.cpp, zsh.cpp.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/manual/page.h"

namespace millrace::manual {

// What may stand at one place of a command's words.
struct Place {
  std::set<std::string> words;         // as they stand
  std::set<std::string> placeholders;  // names in capitals
  bool any_number = false;             // here and at every place after it
};

// By the words before it: "get KEY" has what follows `config get tcp.msl`.
std::map<std::string, Place> places_of(const Command& command);

bool is_placeholder(std::string_view word);

// `config` of `config check`: the words that begin the names of several commands, with those that follow.
std::map<std::string, std::vector<const Command*>> groups_of(const Program& program);

// 'TEXT' for a shell.
std::string shell_quoted(std::string_view text);

// The values of a placeholder, also of `a|b|c`; none: they are not known, or are files.
std::vector<std::string> known_values(const Program& program, std::string_view placeholder);
bool is_file(std::string_view placeholder);

}  // namespace millrace::manual
