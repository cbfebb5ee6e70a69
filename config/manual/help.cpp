// `--help`, and the text that the other readings share.
#include <algorithm>

#include "config/manual/readings.h"

namespace millrace::manual {

namespace {

constexpr size_t kWidth = 100;
constexpr size_t kWidestForm = 32;

std::string table_of_options(const std::vector<Option>& options) {
  size_t widest = 0;
  for (const Option& option : options)
    if (const size_t size = form_of(option).size(); size <= kWidestForm) widest = std::max(widest, size);
  const size_t column = 2 + widest + 2;
  std::string out;
  for (const Option& option : options) {
    std::string doc = option.doc;
    if (!option.fallback.empty()) doc += " (default " + option.fallback + ')';
    const std::string lines = wrapped(doc, kWidth, column);
    const std::string form = "  " + form_of(option);
    out += form.size() + 2 <= column ? form + lines.substr(form.size()) : form + '\n' + lines;
  }
  return out;
}

std::string table_of_terms(const std::vector<Term>& terms) {
  size_t widest = 0;
  for (const Term& term : terms) widest = std::max(widest, term.name.size());
  std::string out;
  for (const Term& term : terms)
    out += "  " + term.name + std::string(widest + 2 - term.name.size(), ' ') + term.says + '\n';
  return out;
}

std::string list_of_statuses(const std::vector<Status>& statuses) {
  std::string out;
  for (const Status& status : statuses)
    out += (out.empty() ? "Exit status: " : "; ") + std::to_string(status.code) + ' ' + status.says;
  return out.empty() ? out : '\n' + wrapped(out + '.', kWidth);
}

std::string list_of_examples(std::string_view program, const std::vector<Example>& examples) {
  std::string out;
  for (const Example& example : examples) {
    out += "  " + std::string(program) + ' ' + example.line + '\n';
    if (!example.says.empty()) out += wrapped(example.says, kWidth, 6);
  }
  return out.empty() ? out : "\nExamples:\n" + out;
}

}  // namespace

std::string wrapped(std::string_view text, size_t width, size_t indent) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += std::string(indent, ' ') + line + '\n';
    line.clear();
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && indent + line.size() + 1 + word.size() > width) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return out;
}

std::vector<std::string> paragraphs_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    if (end != 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

std::string form_of(const Option& option) {
  std::string out =
      option.letter == 0 ? "--" + option.name : std::string{'-', option.letter} + ", --" + option.name;
  if (!option.argument.empty()) out += ' ' + option.argument;
  return out;
}

std::string usage_line(std::string_view program, const Command& command) {
  std::string out = std::string(program) + ' ' + command.name;
  if (!command.options.empty()) out += " [OPTIONS]";
  if (!command.words.empty()) out += ' ' + command.words;
  return out;
}

const std::vector<std::string>* values_of(const Program& program, std::string_view placeholder) {
  const auto found = std::ranges::find(program.placeholders, placeholder, &Placeholder::name);
  return found == program.placeholders.end() ? nullptr : &found->values;
}

std::string help_text(const Program& program) {
  std::string out =
      program.name + ": " + program.summary + "\n\nUsage: " + program.name + " [OPTIONS] COMMAND ...\n\n";
  std::vector<Term> terms;
  for (const Command& command : program.commands) terms.push_back({command.name, command.summary});
  out += "Commands:\n" + table_of_terms(terms) + "\nOptions:\n" + table_of_options(program.options);
  for (const std::string& paragraph : paragraphs_of(program.about)) out += '\n' + wrapped(paragraph, kWidth);
  return out + list_of_statuses(program.statuses);
}

std::string help_text(std::string_view program, const Command& command) {
  std::string out = "Usage: " + usage_line(program, command) + "\n";
  for (const std::string& paragraph :
       paragraphs_of(command.about.empty() ? command.summary + '.' : command.about))
    out += '\n' + wrapped(paragraph, kWidth);
  if (!command.options.empty()) out += "\nOptions:\n" + table_of_options(command.options);
  if (!command.terms.empty()) out += '\n' + command.terms_title + ":\n" + table_of_terms(command.terms);
  return out + list_of_examples(program, command.examples) + list_of_statuses(command.statuses);
}

}  // namespace millrace::manual
