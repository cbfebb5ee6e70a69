#include "config/diff.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::config {

namespace {

struct Line {
  std::string key;
  std::string value;
  Change change;
};

std::vector<Line> lines_of(const Config& config) {
  std::vector<Line> lines;
  for (const Entry& entry : config.all()) {
    const std::string path = entry.path();
    if (!lines.empty() && lines.back().key == path)
      lines.back().value += ", " + entry.text();
    else
      lines.push_back({path, entry.text(), entry.key->change});
  }
  return lines;
}

const Line* find(const std::vector<Line>& lines, const std::string& key) {
  const auto found =
      std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.key == key; });
  return found == lines.end() ? nullptr : &*found;
}

std::string shown(const std::string& value) { return value.empty() ? "(none)" : value; }

}  // namespace

std::string Difference::text() const {
  return key + ": " + shown(before) + " -> " + shown(after) +
         (change == Change::Live ? " (live)" : " (needs a restart)");
}

std::vector<Difference> differences(const Config& before, const Config& after) {
  const std::vector<Line> old_lines = lines_of(before);
  const std::vector<Line> new_lines = lines_of(after);
  std::vector<Difference> out;
  for (const Line& line : old_lines) {
    const Line* other = find(new_lines, line.key);
    const std::string value = other == nullptr ? std::string() : other->value;
    if (value != line.value) out.push_back({line.key, line.value, value, line.change});
  }
  for (const Line& line : new_lines)
    if (find(old_lines, line.key) == nullptr) out.push_back({line.key, {}, line.value, line.change});
  return out;
}

std::string diff_json(std::span<const Difference> differences) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Difference& one : differences)
    out.push_back({{"key", one.key},
                   {"before", one.before},
                   {"after", one.after},
                   {"change", change_name(one.change)}});
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace millrace::config
