// What a program says of itself, declared once: `--help`, the completion of shells, man pages and the
// Markdown references are readings of it. Texts are plain, with `code` in backticks; readings break their
// lines. Neighbours: options.h (options as the parser has them), readings.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::manual {

struct Option {
  std::string name{};      // without dashes
  char letter = 0;         // 0: none
  std::string argument{};  // its name in capitals, or `a|b`: one of these; empty: a switch
  std::string doc{};
  std::string fallback{};  // the default; empty: none
};

struct Example {
  std::string line{};  // without the program's name
  std::string says{};
};

struct Status {
  int code = 0;
  std::string says{};
};

struct Term {
  std::string name{};
  std::string says{};
};

struct Command {
  std::string name{};     // `serve`, `config check`
  std::string summary{};  // after `NAME:`, without a full stop at its end
  std::string words{};    // beside options: `FILE`, `[SCENARIO...]`, `[get [KEY] | set KEY VALUE]`
  std::string about{};    // paragraphs with an empty line between them
  std::vector<Option> options{};
  std::string terms_title{};
  std::vector<Term> terms{};
  std::vector<Example> examples{};
  std::vector<Status> statuses{};  // empty: those of the program
};

// What may stand for a name in capitals, for completion: KEY, SCENARIO. FILE, PATH and DIRECTORY are known.
struct Placeholder {
  std::string name{};
  std::vector<std::string> values{};
  bool goes_on = false;  // more of the same word follows, as after KEY=
};

struct Program {
  std::string name{};
  std::string summary{};
  std::string about{};
  std::vector<Option> options{};  // before a command, or without one
  std::vector<Command> commands{};
  std::vector<Placeholder> placeholders{};
  std::vector<Status> statuses{};
  std::vector<Term> environment{};
  std::vector<Term> files{};
  std::vector<std::string> see_also{};  // millracectl(1)
};

// Every way in which `words` may be given, a name each: [get [KEY] | set KEY VALUE] is "", "get", "get KEY",
// "set KEY VALUE".
std::vector<std::vector<std::string>> forms_of(std::string_view words);

}  // namespace millrace::manual
