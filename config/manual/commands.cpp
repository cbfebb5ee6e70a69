#include "config/manual/commands.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <ostream>

#include "config/manual/options.h"
#include "config/manual/readings.h"
#include "config/text.h"

namespace millrace::manual {

namespace {

namespace po = boost::program_options;

constexpr int kGood = 0;
constexpr int kUsage = 2;

po::options_description man_options() {
  po::options_description options;
  options.add_options()(
      "format", po::value<std::string>()->value_name("roff|markdown")->default_value("roff"),
      "How it is written; Markdown has the page of the program alone")("help,h", "This page");
  return options;
}

po::options_description completion_options() {
  po::options_description options;
  options.add_options()("help,h", "This page");
  return options;
}

int refuse(std::ostream& err, const Program& program, std::string_view command, std::string_view problem) {
  err << program.name << ' ' << command << ": " << problem << "; --help has examples\n";
  return kUsage;
}

const Command& page_of(const Program& program, std::string_view command) {
  return *std::ranges::find(program.commands, command, &Command::name);
}

}  // namespace

Command man_command(const std::vector<OtherPage>& others) {
  Command page{.name = "man",
               .summary = "write the man page",
               .words = {},
               .about = "Writes the page for man(1), as `cmake --install` installs it.",
               .options = options_of(man_options()),
               .examples = {{"man | man -l -", "read it without installing it"}}};
  for (const OtherPage& other : others) {
    page.words += (page.words.empty() ? "[" : " | ") + other.name;
    page.examples.push_back({"man " + other.name + " | man -l -", ""});
  }
  if (!page.words.empty()) page.words += ']';
  return page;
}

Command completion_command(const std::string& program) {
  return {.name = "completion",
          .summary = "write the completion of a shell",
          .words = "bash | zsh",
          .about = "Writes the script by which a shell completes commands, options and their values.",
          .options = options_of(completion_options()),
          .examples = {{"completion bash > ~/.local/share/bash-completion/completions/" + program, ""},
                       {"completion zsh > ~/.zfunc/_" + program, "with ~/.zfunc in $fpath before compinit"}}};
}

int run_man(const Program& program, const std::vector<OtherPage>& others, std::span<const std::string> args,
            std::ostream& out, std::ostream& err) {
  const Parsed given = parse(args, man_options(), 1);
  if (!given.problem.empty()) return refuse(err, program, "man", given.problem);
  if (given.values.count("help") != 0) {
    out << help_text(program.name, page_of(program, "man"));
    return kGood;
  }
  const std::string format = given.values["format"].as<std::string>();
  if (format != "roff" && format != "markdown")
    return refuse(err, program, "man", config::quoted(format) + " is neither roff nor markdown");
  if (given.words.empty()) {
    out << (format == "roff" ? man_page(program) : markdown_page(program));
    return kGood;
  }
  const auto other = std::ranges::find(others, given.words[0], &OtherPage::name);
  if (other == others.end())
    return refuse(err, program, "man", "there is no page " + config::quoted(given.words[0]));
  if (format != "roff") return refuse(err, program, "man", "that page has no Markdown");
  out << other->text();
  return kGood;
}

int run_completion(const Program& program, std::span<const std::string> args, std::ostream& out,
                   std::ostream& err) {
  const Parsed given = parse(args, completion_options(), 1);
  if (!given.problem.empty()) return refuse(err, program, "completion", given.problem);
  if (given.values.count("help") != 0) {
    out << help_text(program.name, page_of(program, "completion"));
    return kGood;
  }
  const std::string shell = given.words.empty() ? "" : given.words[0];
  if (shell != "bash" && shell != "zsh")
    return refuse(err, program, "completion", "needs a shell, bash or zsh");
  out << (shell == "bash" ? bash_completion(program) : zsh_completion(program));
  return kGood;
}

}  // namespace millrace::manual
