#include "config/show.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::config {

namespace {

using Json = nlohmann::ordered_json;

std::vector<Entry> chosen(const Config& config, Shown shown) {
  std::vector<Entry> entries = config.all();
  if (shown == Shown::Set)
    std::erase_if(entries, [](const Entry& entry) { return entry.origin.source == Source::Default; });
  return entries;
}

// As it must stand in a file: in quotes where the reader would take a part of it for something else.
std::string written(const std::string& value) {
  const bool plain = value.find('#') == std::string::npos && value.find('"') == std::string::npos &&
                     value.front() != ' ' && value.back() != ' ';
  if (plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string_view source_name(Source source) {
  switch (source) {
    case Source::Default:
      return "default";
    case Source::File:
      return "file";
    case Source::CommandLine:
      return "command line";
  }
  return "";
}

Json json_value(const Entry& entry) {
  if (const bool* boolean = std::get_if<bool>(&entry.value)) return *boolean;
  const bool spoken = entry.key->type == Type::Choice || entry.key->type == Type::Mode;
  if (const uint64_t* number = std::get_if<uint64_t>(&entry.value); number != nullptr && !spoken)
    return *number;
  return entry.text();
}

Json json_of(const Entry& entry) {
  Json out;
  out["key"] = entry.path();
  out["value"] = json_value(entry);
  out["text"] = entry.text();
  if (const std::string_view unit = unit_name(entry.key->type); !unit.empty()) out["unit"] = unit;
  out["source"] = source_name(entry.origin.source);
  if (entry.origin.source == Source::File) {
    out["file"] = entry.origin.where;
    out["line"] = entry.origin.line;
  }
  if (entry.origin.source == Source::CommandLine) out["option"] = entry.origin.where;
  return out;
}

}  // namespace

std::string show_text(const Config& config, Shown shown) {
  const std::vector<Entry> entries = chosen(config, shown);
  if (entries.empty()) return "# Nothing is set; --defaults shows what holds then.\n";
  constexpr size_t kColumn = 40;
  std::string out;
  std::string heading;
  for (const Entry& entry : entries) {
    std::string section = '[' + std::string(entry.key->section);
    if (!entry.instance.empty()) section += '.' + entry.instance;
    section += "]\n";
    if (section != heading) {
      out += (out.empty() ? "" : "\n") + section;
      heading = section;
    }
    std::string line = std::string(entry.key->name) + " = " + written(entry.text());
    line.resize(std::max(line.size(), kColumn), ' ');
    out += line + "  # " + entry.origin.text() + '\n';
  }
  return out;
}

std::string show_json(const Config& config, Shown shown) {
  Json out = Json::array();
  for (const Entry& entry : chosen(config, shown)) out.push_back(json_of(entry));
  // Words of the command line need not be UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace millrace::config
