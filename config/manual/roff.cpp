// Pages for man(1), in the macros of man(7).
#include <algorithm>
#include <cctype>

#include "config/manual/readings.h"

namespace millrace::manual {

namespace {

constexpr size_t kWidth = 66;  // troff takes more octets than these for a character beyond ASCII

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

// Hyphens that are typed, and what troff would take for its own.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else
      out += c;
  }
  return out;
}

// A control character of troff at the start of a line.
std::string guarded(const std::string& line) {
  return line.starts_with('.') || line.starts_with('\'') ? "\\&" + line : line;
}

// `code` in bold.
std::string marked_up(std::string_view text) {
  std::string out;
  for (bool code = false; !text.empty(); code = !code) {
    const size_t end = std::min(text.find('`'), text.size());
    const std::string_view part = text.substr(0, end);
    if (!part.empty()) out += code ? "\\fB" + escaped(part) + "\\fR" : escaped(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Each sentence on lines of its own, as man pages are kept.
std::string lines_of(std::string_view text) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += guarded(line) + '\n';
    line.clear();
  };
  const std::string marked = marked_up(text);
  for (size_t at = 0; at < marked.size();) {
    const size_t end = std::min(marked.find_first_of(" \n", at), marked.size());
    const std::string word = marked.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) flush();
    line += (line.empty() ? "" : " ") + word;
    if (word.size() > 1 && std::string_view(".?!").find(word.back()) != std::string_view::npos) flush();
  }
  flush();
  return out;
}

void add_command(const Program& program, const Command& command, Roff& page) {
  page.subheading(usage_line(program.name, command));
  page.paragraphs(command.about.empty() ? command.summary + '.' : command.about);
  for (const Option& option : command.options) page.option(option);
  if (!command.terms.empty()) page.paragraphs(command.terms_title + ':');
  for (const Term& term : command.terms) page.term(term.name, term.says);
  for (const Status& status : command.statuses)
    page.term("Exit status " + std::to_string(status.code), status.says);
  if (command.examples.empty()) return;
  page.paragraphs(command.examples.size() == 1 ? "Example:" : "Examples:");
  std::string lines;
  for (const Example& example : command.examples) {
    if (!example.says.empty()) lines += wrapped("# " + example.says, kWidth, 2);
    lines += "  " + program.name + ' ' + example.line + '\n';
  }
  page.verbatim(lines);
}

void add_terms(std::string_view title, const std::vector<Term>& terms, Roff& page) {
  if (terms.empty()) return;
  page.heading(title);
  for (const Term& term : terms) page.term(term.name, term.says);
}

}  // namespace

Roff::Roff(std::string_view title, int section, std::string_view name, std::string_view summary) {
  const std::string_view volume = section == 5 ? "File Formats" : "User Commands";
  out_ = ".\\\" Generated from the program's own declarations; do not edit.\n.TH " + upper(title) + ' ' +
         std::to_string(section) + " " MILLRACE_DATE " \"Millrace " MILLRACE_VERSION "\" \"" +
         std::string(volume) + "\"\n.SH NAME\n" + escaped(name) + " \\- " + escaped(summary) + '\n';
}

void Roff::heading(std::string_view title) { out_ += ".SH " + escaped(title) + '\n'; }

void Roff::subheading(std::string_view title) { out_ += ".SS " + escaped(title) + '\n'; }

void Roff::paragraphs(std::string_view text) {
  for (const std::string& paragraph : paragraphs_of(text)) {
    const bool first = out_.ends_with('\n') && (out_.rfind("\n.S") == out_.rfind('\n', out_.size() - 2));
    out_ += (first ? "" : ".PP\n") + lines_of(paragraph);
  }
}

void Roff::term(std::string_view name, std::string_view says) {
  out_ += ".TP\n\\fB" + escaped(name) + "\\fR\n" + lines_of(says);
}

void Roff::option(const Option& option) {
  out_ += ".TP\n";
  if (option.letter != 0) out_ += "\\fB\\-" + std::string(1, option.letter) + "\\fR, ";
  out_ += "\\fB\\-\\-" + escaped(option.name) + "\\fR";
  if (!option.argument.empty()) out_ += " \\fI" + escaped(option.argument) + "\\fR";
  std::string doc = option.doc;
  if (!doc.ends_with('.')) doc += '.';
  if (!option.fallback.empty()) doc += " Default: " + option.fallback + '.';
  out_ += '\n' + lines_of(doc);
}

void Roff::verbatim(std::string_view lines) {
  out_ += ".PP\n.EX\n";
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    out_ += guarded(escaped(lines.substr(0, end))) + '\n';
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  out_ += ".EE\n";
}

std::string man_page(const Program& program) {
  Roff page(program.name, 1, program.name, program.summary);
  page.heading("SYNOPSIS");
  page.paragraphs('`' + program.name + "` [OPTIONS] COMMAND ...");
  if (!program.about.empty()) {
    page.heading("DESCRIPTION");
    page.paragraphs(program.about);
  }
  page.heading("OPTIONS");
  for (const Option& option : program.options) page.option(option);
  page.heading("COMMANDS");
  for (const Command& command : program.commands) add_command(program, command, page);
  page.heading("EXIT STATUS");
  for (const Status& status : program.statuses) page.term(std::to_string(status.code), status.says + '.');
  add_terms("ENVIRONMENT", program.environment, page);
  add_terms("FILES", program.files, page);
  page.heading("SEE ALSO");
  std::string others;
  for (const std::string& other : program.see_also) others += (others.empty() ? "`" : ", `") + other + '`';
  page.paragraphs(others);
  return page.text();
}

}  // namespace millrace::manual
