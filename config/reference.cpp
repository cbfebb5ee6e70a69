#include "config/reference.h"

#include <nlohmann/json.hpp>

#include "config/command_line.h"
#include "config/manual/readings.h"
#include "config/quantity.h"
#include "config/reader.h"
#include "config/schema.h"

namespace millrace::config {

namespace {

constexpr std::string_view kExampleFile = R"(# A comment.
[port.p0]                      # a section with a name of your own
vdev = net_tap0,iface=mr0      # key = value; a blank and `#` begin a comment

[address]
add = 10.0.0.2/24              # a repeatable key may stand any number of times
add = 2001:db8::2/64

[service.web]
kind = http
listen = 80
directory = "/srv/my site"     # quotes where a value has ` #` or quotes inside; \" and \\ stand for " and \
)";

constexpr std::string_view kOnce = "A key that is not repeatable may be set once. Text is UTF-8. ";

constexpr std::string_view kPrecedence[] = {
    "The default.", "The file that `-c FILE` names.",
    R"(The command line. What it says of a key takes the place of what the file says of that key; for a repeatable key it
   takes the place of all the file's values. `--vdev` and `--pci` take the place of all the file's ports, and
   `--service` of all its services. Words after `--` go to DPDK's EAL; those that a key below stands for
   (`--no-huge`, `-m`, `-l`, `--file-prefix`, `--in-memory`, `--vdev`) become that key.)"};

constexpr std::string_view kConflict =
    R"(Of two settings of one key in the same place neither wins: they are refused. `millrace config show` tells where each
value came from.)";

struct ValueForm {
  std::string_view type;
  std::string_view written;
};
constexpr ValueForm kValues[] = {
    {"boolean", "`on` or `off`; also `yes`, `no`, `true`, `false`"},
    {"duration",
     "a number and `us`, `ms`, `s`, `min`, `h` or `d`: `200ms`, `1.5s`; a bare `0` needs no unit"},
    {"size",
     "octets, or a number and `KiB`, `MiB`, `GiB`, `TiB` (by 1024; `k`, `M`, `G`, `T` mean the same) or "
     "`kB`, `MB`, "
     "`GB`, `TB` (by 1000)"},
    {"address", "an IPv4 or IPv6 address with the length of its prefix: `10.0.0.2/24`, `2001:db8::2/64`"},
    {"route", "`PREFIX via GATEWAY`: `0.0.0.0/0 via 10.0.0.1`, `default via 2001:db8::1`"},
    {"listening address",
     "`80` (every address of both families), `10.0.0.2:80`, `0.0.0.0:80`, `[2001:db8::2]:80`, `[::]:80`"},
    {"CPU list", "`auto`, or numbers and ranges: `1`, `1,3`, `2-5`"},
    {"target",
     "an address and a port or a range of ports: `10.0.0.2:80`, `10.0.0.2:80-83`, `[2001:db8::2]:80`"},
    {"address range", "`10.0.0.10`, or `10.0.0.10-10.0.0.20`"},
    {"port range", "`1024-65535`"},
    {"mode", "permission bits in octal: `0660`"},
};

// A `|` would end the cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string code(std::string_view text) { return '`' + cell(text) + '`'; }

std::string heading_of(const Section& section) {
  return '[' + std::string(section.name) + (section.named ? ".NAME]" : "]");
}

std::string notes(const Key& key) {
  std::string out(key.doc);
  if (key.required) out += " Required.";
  if (key.repeatable) out += " Repeatable.";
  if (!key.option.empty()) out += " Option `--" + std::string(key.option) + "`.";
  return out;
}

std::string markdown_section(const Section& section) {
  std::string out = "### " + heading_of(section) + "\n\n" + std::string(section.doc) + "\n\n";
  out += "| key | type | default | allowed | change | |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const Key& key : keys()) {
    if (key.section != section.name) continue;
    out += "| " + code(key.name) + " | " + std::string(type_name(key.type)) + " | ";
    out += (key.fallback.empty() ? std::string("none") : code(key.fallback)) + " | " + cell(allowed(key)) +
           " | ";
    out += std::string(change_name(key.change)) + " | " + cell(notes(key)) + " |\n";
  }
  return out + '\n';
}

std::string bounds_of_file() {
  return std::string(kOnce) + "At most " + format_size(kFileLimit) + " a file, " +
         std::to_string(kLineLimit) + " octets a line and " + std::to_string(kSettingLimit) +
         " settings are read.";
}

std::string man_text_of(const Key& key) {
  std::string out = notes(key) + " Type: " + std::string(type_name(key.type)) + '.';
  if (!key.fallback.empty()) out += " Default: " + std::string(key.fallback) + '.';
  out += " Allowed: " + allowed(key) + '.';
  return key.change == Change::Live ? out + " Live." : out;
}

nlohmann::ordered_json json_key(const Key& key) {
  nlohmann::ordered_json out;
  out["key"] = key.path();
  out["type"] = type_name(key.type);
  if (const std::string_view unit = unit_name(key.type); !unit.empty()) out["unit"] = unit;
  out["default"] = key.fallback.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(key.fallback);
  out["allowed"] = allowed(key);
  if (!key.choices.empty()) out["choices"] = std::vector<std::string>(key.choices.begin(), key.choices.end());
  if (!unit_name(key.type).empty() || key.type == Type::Integer) {
    out["min"] = key.bounds.min;
    out["max"] = key.bounds.max;
  }
  out["change"] = change_name(key.change);
  out["repeatable"] = key.repeatable;
  out["required"] = key.required;
  if (!key.option.empty()) out["option"] = "--" + std::string(key.option);
  out["example"] = key.example;
  out["doc"] = key.doc;
  return out;
}

}  // namespace

std::string markdown_reference() {
  std::string out =
      "# Configuration reference\n\n"
      "Written by `millrace config reference` from the schema; do not edit it.\n\n";
  out += "## The file\n\n```ini\n" + std::string(kExampleFile) + "```\n\n" + bounds_of_file() + "\n\n";
  out += "## What overrides what\n\n";
  for (size_t i = 0; i < std::size(kPrecedence); ++i)
    out += std::to_string(i + 1) + ". " + std::string(kPrecedence[i]) + '\n';
  out += '\n' + std::string(kConflict) + "\n\n## Values\n\n| type | written as |\n| --- | --- |\n";
  for (const ValueForm& form : kValues)
    out += "| " + std::string(form.type) + " | " + std::string(form.written) + " |\n";
  out += '\n';
  out +=
      "## Options of the command line\n\n| option | key | |\n| --- | --- | --- |\n| `-c FILE` | | File to "
      "read. |\n";
  for (const OptionHelp& option : schema_options())
    out += "| " + code(option.form) + " | " + code(option.key) + " | " + cell(option.doc) + ". |\n";
  out += "| `--set KEY=VALUE` | any | Sets any key: `--set tcp.msl=5s`. |\n\n";
  out += "## Keys\n\n`live`: a change holds from a reload on. `restart`: from the next start on.\n\n";
  for (const Section& section : sections()) out += markdown_section(section);
  out.pop_back();
  return out;
}

std::string text_reference() {
  std::string out;
  for (const Section& section : sections()) {
    out += (out.empty() ? "" : "\n") + heading_of(section) + "  " + std::string(section.doc) + '\n';
    for (const Key& key : keys()) {
      if (key.section != section.name) continue;
      out += "\n  " + std::string(key.name) + "  (" + std::string(type_name(key.type));
      if (!key.fallback.empty()) out += ", default " + std::string(key.fallback);
      out += ", " + std::string(change_name(key.change)) + ")\n";
      out += "      " + notes(key) + "\n      Allowed: " + allowed(key) + ".\n";
    }
  }
  return out;
}

std::string json_reference() {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Key& key : keys()) out.push_back(json_key(key));
  return out.dump(2) + '\n';
}

std::string conf_man_page() {
  manual::Roff page("millrace.conf", 5, "millrace.conf", "configuration of millrace");
  page.heading("DESCRIPTION");
  page.paragraphs(
      "What `millrace serve -c FILE` and `millrace load -c FILE` read: sections of keys and their values. "
      "`millrace config check FILE` says everything that is wrong with a file.");
  page.verbatim(kExampleFile);
  page.paragraphs(bounds_of_file());
  page.heading("PRECEDENCE");
  page.paragraphs("A later one of these overrides an earlier one:");
  for (size_t i = 0; i < std::size(kPrecedence); ++i) page.term(std::to_string(i + 1) + '.', kPrecedence[i]);
  page.paragraphs(kConflict);
  page.heading("VALUES");
  for (const ValueForm& form : kValues) page.term(form.type, form.written);
  page.heading("KEYS");
  page.paragraphs(
      "A change of a key that is `live` holds from a reload on, of others from the next start on.");
  for (const Section& section : sections()) {
    page.subheading(heading_of(section));
    page.paragraphs(section.doc);
    for (const Key& key : keys())
      if (key.section == section.name) page.term(key.name, man_text_of(key));
  }
  page.heading("SEE ALSO");
  page.paragraphs("`millrace(1)`, `millracectl(1)`");
  return page.text();
}

}  // namespace millrace::config
