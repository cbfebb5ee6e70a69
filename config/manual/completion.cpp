#include "config/manual/completion.h"

#include <algorithm>
#include <cctype>

#include "config/manual/readings.h"

namespace millrace::manual {

bool is_placeholder(std::string_view word) {
  return !word.empty() && std::isupper(static_cast<unsigned char>(word.front())) != 0;
}

std::map<std::string, Place> places_of(const Command& command) {
  constexpr std::string_view kMore = "...";
  std::map<std::string, Place> out;
  for (const std::vector<std::string>& form : forms_of(command.words)) {
    std::string before;
    for (std::string word : form) {
      if (word == "--") break;  // what follows is another program's
      Place& place = out[before];
      place.any_number |= word.ends_with(kMore);
      if (place.any_number) word.resize(word.size() - kMore.size());
      (is_placeholder(word) ? place.placeholders : place.words).insert(word);
      before += (before.empty() ? "" : " ") + word;
    }
  }
  return out;
}

std::map<std::string, std::vector<const Command*>> groups_of(const Program& program) {
  std::map<std::string, std::vector<const Command*>> out;
  for (const Command& command : program.commands)
    if (const size_t blank = command.name.find(' '); blank != std::string::npos)
      out[command.name.substr(0, blank)].push_back(&command);
  return out;
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + '\'';
}

bool is_file(std::string_view placeholder) {
  return placeholder == "FILE" || placeholder == "PATH" || placeholder == "OLD" || placeholder == "NEW";
}

std::vector<std::string> known_values(const Program& program, std::string_view placeholder) {
  if (const auto* values = values_of(program, placeholder)) return *values;
  std::vector<std::string> out;
  if (placeholder.find('|') == std::string_view::npos) return out;
  while (!placeholder.empty()) {
    const size_t end = std::min(placeholder.find('|'), placeholder.size());
    out.emplace_back(placeholder.substr(0, end));
    placeholder.remove_prefix(std::min(end + 1, placeholder.size()));
  }
  return out;
}

}  // namespace millrace::manual
