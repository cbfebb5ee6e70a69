#include "config/load.h"

#include "config/eal_arguments.h"
#include "config/reader.h"

namespace millrace::config {

namespace {

void apply_text(std::string_view file, std::string_view text, Loaded& out) {
  const FileText read = read_text(file, text, out.problems);
  std::vector<Assignment> assignments;
  for (const Line& line : read.lines) {
    const Origin origin{Source::File, std::string(file), line.number};
    if (line.section == "eal" && line.key == "args") {
      for (Assignment& one : from_eal_words(split_words(line.value), origin, out.problems))
        assignments.push_back(std::move(one));
      continue;
    }
    const std::string instance = line.instance.empty() ? "" : line.instance + '.';
    assignments.push_back({line.section + '.' + instance + line.key, line.value, origin});
  }
  for (const Heading& heading : read.headings)
    if (!heading.instance.empty())
      out.config.open(heading.section, heading.instance, {Source::File, std::string(file), heading.number});
  out.config.apply(assignments, out.problems);
}

}  // namespace

Loaded load(const CommandLine& command_line, Purpose purpose, const Problems& problems) {
  Loaded out;
  out.problems.add(problems);
  if (command_line.file) {
    const size_t before = out.problems.total();
    const std::string text = read_file(*command_line.file, out.problems);
    if (out.problems.total() == before) apply_text(*command_line.file, text, out);
  }
  for (const std::string& section : command_line.replaced) out.config.forget(section);
  out.config.apply(command_line.assignments, out.problems);
  validate(out.config, purpose, out.problems);
  out.problems.sort();
  out.settings = out.config.settings();
  return out;
}

Loaded load_text(std::string_view file, std::string_view text, Purpose purpose) {
  Loaded out;
  apply_text(file, text, out);
  validate(out.config, purpose, out.problems);
  out.problems.sort();
  out.settings = out.config.settings();
  return out;
}

}  // namespace millrace::config
