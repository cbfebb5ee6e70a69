#include "config/eal_arguments.h"

#include <algorithm>

#include "config/text.h"

namespace millrace::config {

namespace {

// An EAL option that a key of ours stands for.
struct Meaning {
  std::string_view option;
  std::string_view key;     // empty: refused, with `advice`
  std::string_view value;   // fixed; empty: the option's argument
  std::string_view suffix;  // unit that EAL leaves out
  std::string_view advice;
};

constexpr Meaning kMeanings[] = {
    {"--no-huge", "eal.huge_pages", "off", "", ""},
    {"--in-memory", "eal.in_memory", "on", "", ""},
    {"--file-prefix", "eal.file_prefix", "", "", ""},
    {"-m", "eal.memory_bytes", "", "MiB", ""},
    {"-l", "lcores.use", "", "", ""},
    {"--lcores", "lcores.use", "", "", ""},
    {"--vdev", "port", "", "", ""},
    {"-c", "", "", "", "a mask of CPUs is not taken; list them, as in --lcores 1,2"},
    {"--proc-type", "", "", "", "Millrace is always the primary process; leave it out"},
};

const Meaning* meaning_of(std::string_view option) {
  for (const Meaning& meaning : kMeanings)
    if (meaning.option == option) return &meaning;
  return nullptr;
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::string port_name(std::string_view device) {
  std::string name(device.substr(0, device.find(',')));
  for (char& c : name)
    if (c == ':' || c == '.') c = '-';
  return is_name(name) ? name : "p0";
}

std::vector<Assignment> from_eal_words(std::span<const std::string> words, const Origin& origin,
                                       Problems& problems) {
  std::vector<Assignment> out;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view option = word.substr(0, equals);
    const Meaning* meaning = meaning_of(option);
    if (meaning == nullptr) {
      out.push_back({"eal.args", std::string(word), origin});
      continue;
    }
    if (meaning->key.empty()) {
      problems.add(origin, "eal.args", quoted(option) + " for EAL: " + std::string(meaning->advice));
      if (equals == std::string_view::npos && i + 1 < words.size()) ++i;
      continue;
    }
    std::string value(meaning->value);
    if (value.empty() && equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (value.empty()) {
      if (i + 1 == words.size()) {
        problems.add(origin, "eal.args", quoted(option) + " for EAL needs a value behind it");
        break;
      }
      value = words[++i];
    }
    std::string key(meaning->key);
    if (key == "port") key = "port." + port_name(value) + ".vdev";
    out.push_back({std::move(key), value + std::string(meaning->suffix), origin});
  }
  return out;
}

}  // namespace millrace::config
