// The readings of a program's declaration (page.h).
#pragma once

#include <string>
#include <string_view>

#include "config/manual/page.h"

namespace millrace::manual {

// `millrace --help` and `millrace serve --help`.
std::string help_text(const Program& program);
std::string help_text(std::string_view program, const Command& command);

// Scripts that bash and zsh read.
std::string bash_completion(const Program& program);
std::string zsh_completion(const Program& program);

// A page of section 1 for man(1), and the same as Markdown.
std::string man_page(const Program& program);
std::string markdown_page(const Program& program);

// Parts of pages, for those of other sections.
class Roff {
 public:
  Roff(std::string_view title, int section, std::string_view name, std::string_view summary);
  void heading(std::string_view title);
  void subheading(std::string_view title);
  void paragraphs(std::string_view text);
  // A term in bold, and below it, indented, what it says.
  void term(std::string_view name, std::string_view says);
  void option(const Option& option);
  // Lines as they stand.
  void verbatim(std::string_view lines);
  std::string text() const { return out_; }

 private:
  std::string out_;
};

// ---- What several readings use.

// Lines of at most `width` characters, each behind `indent` blanks and ended by a newline.
std::string wrapped(std::string_view text, size_t width, size_t indent = 0);
std::vector<std::string> paragraphs_of(std::string_view text);
// `millrace serve [OPTIONS] FILE`
std::string usage_line(std::string_view program, const Command& command);
// `-c, --config FILE`
std::string form_of(const Option& option);
const std::vector<std::string>* values_of(const Program& program, std::string_view placeholder);

}  // namespace millrace::manual
