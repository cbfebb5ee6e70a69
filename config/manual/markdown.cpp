// The reference of a program's commands as Markdown, which stands in the repository.
#include "config/manual/readings.h"

namespace millrace::manual {

namespace {

constexpr size_t kWidth = 118;

// A `|` would end the cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string table_of_options(const std::vector<Option>& options) {
  if (options.empty()) return {};
  std::string out = "| option | default | |\n| --- | --- | --- |\n";
  for (const Option& option : options)
    out += "| `" + cell(form_of(option)) + "` | " +
           (option.fallback.empty() ? "" : '`' + cell(option.fallback) + '`') + " | " + cell(option.doc) +
           " |\n";
  return out + '\n';
}

std::string table_of_statuses(const std::vector<Status>& statuses) {
  if (statuses.empty()) return {};
  std::string out = "| exit status | |\n| --- | --- |\n";
  for (const Status& status : statuses)
    out += "| " + std::to_string(status.code) + " | " + cell(status.says) + " |\n";
  return out + '\n';
}

std::string text_of(std::string_view about) {
  std::string out;
  for (const std::string& paragraph : paragraphs_of(about)) out += wrapped(paragraph, kWidth) + '\n';
  return out;
}

std::string section_of(const Program& program, const Command& command) {
  std::string out = "## " + command.name + "\n\n`" + usage_line(program.name, command) + "`\n\n";
  out += text_of(command.about.empty() ? command.summary + '.' : command.about) +
         table_of_options(command.options);
  if (!command.terms.empty()) {
    out += "| " + command.terms_title + " | |\n| --- | --- |\n";
    for (const Term& term : command.terms) out += "| `" + term.name + "` | " + cell(term.says) + " |\n";
    out += '\n';
  }
  if (!command.examples.empty()) {
    out += "```sh\n";
    for (const Example& example : command.examples) {
      if (!example.says.empty()) out += "# " + example.says + '\n';
      out += program.name + ' ' + example.line + '\n';
    }
    out += "```\n\n";
  }
  return out + table_of_statuses(command.statuses);
}

}  // namespace

std::string markdown_page(const Program& program) {
  std::string out = "# " + program.name + "\n\nWritten by `" + program.name +
                    " man --format markdown` from the declaration of its commands; do not edit it.\n\n" +
                    program.summary + ".\n\n" + text_of(program.about) + table_of_options(program.options) +
                    table_of_statuses(program.statuses);
  for (const Command& command : program.commands) out += section_of(program, command);
  out.pop_back();
  return out;
}

}  // namespace millrace::manual
