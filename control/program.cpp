#include "control/program.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "config/commands.h"
#include "config/manual/commands.h"
#include "config/manual/readings.h"
#include "config/pages.h"
#include "config/reference.h"
#include "config/text.h"
#include "control/demo/demo.h"
#include "control/doctor/doctor.h"
#include "control/load/load.h"
#include "control/serve/serve.h"
#include "control/socket/protocol.h"

namespace millrace::control {

namespace {

using Arguments = std::span<const std::string>;

const std::vector<manual::OtherPage>& other_pages() {
  static const std::vector<manual::OtherPage> pages{{"millrace.conf.5", config::conf_man_page}};
  return pages;
}

int run_man(Arguments args, std::ostream& out, std::ostream& err) {
  return manual::run_man(program_page(), other_pages(), args, out, err);
}

int run_completion(Arguments args, std::ostream& out, std::ostream& err) {
  return manual::run_completion(program_page(), args, out, err);
}

struct Command {
  std::string_view word;
  int (*run)(Arguments args, std::ostream& out, std::ostream& err);
};

constexpr std::array kCommands{Command{"serve", run_serve},
                               Command{"load", run_load},
                               Command{"demo", run_demo},
                               Command{"doctor", run_doctor},
                               Command{"config", config::run_config},
                               Command{"man", run_man},
                               Command{"completion", run_completion}};

int refuse(std::string_view word, std::ostream& err) {
  std::vector<std::string> known{"--help", "--version"};
  for (const Command& command : kCommands) known.emplace_back(command.word);
  const std::string_view meant = config::nearest(word, known);
  err << "millrace: there is no command " << config::quoted(word);
  if (!meant.empty()) err << "; did you mean " << meant << '?';
  err << " `millrace --help` lists the commands\n";
  return config::kExitInvalid;
}

}  // namespace

manual::Program program_page() {
  manual::Program page{
      .name = "millrace",
      .summary = "a TCP endpoint on DPDK",
      .about =
          "One word chooses what it does: `serve` runs an endpoint that bypasses the kernel, `load` measures "
          "a "
          "server, `demo` shows two stacks talking, `doctor` looks at the host. A running endpoint is asked "
          "by "
          "millracectl(1).\n\n"
          "To begin with: `millrace demo handshake`, `millrace doctor`, and "
          "`millrace serve --vdev net_tap0,iface=mr0 --address 10.0.0.2/24 --service http:80`. "
          "`millrace COMMAND --help` has the options of a command.",
      .options = {{
                      .name = "version",
                      .letter = 'V',

                      .doc = "The version of this program",
                  },
                  {
                      .name = "help",
                      .letter = 'h',

                      .doc = "This page; after a command, that command's",
                  }},
      .commands = config::pages(),
      .placeholders = config::placeholders(),
      .statuses = {{0, "done"},
                   {1, "failed while running"},
                   {2, "a bad command line, or it could not start"}},
      .files = {{"/run/millrace/control.sock",
                 "The control socket of `serve`, unless control.socket names another."}},
      .see_also = {"millracectl(1)", "millrace.conf(5)"}};
  // Those of a configuration stand after what one begins with.
  page.commands.insert(page.commands.begin() + 2, {demo_page(), doctor_page()});
  page.commands.push_back(manual::man_command(other_pages()));
  page.commands.push_back(manual::completion_command(page.name));
  manual::Placeholder scenarios{"SCENARIO", {"all"}, false};
  for (const manual::Term& term : demo_page().terms) scenarios.values.push_back(term.name);
  page.placeholders.push_back(std::move(scenarios));
  return page;
}

int run_program(Arguments args, std::ostream& out, std::ostream& err) {
  if (args.empty()) {
    err << manual::help_text(program_page());
    return config::kExitInvalid;
  }
  const std::string& word = args.front();
  if (word == "--help" || word == "-h" || word == "help") {
    out << manual::help_text(program_page());
    return config::kExitGood;
  }
  if (word == "--version" || word == "-V") {
    out << "millrace " << version() << '\n';
    return config::kExitGood;
  }
  for (const Command& command : kCommands)
    if (word == command.word) return command.run(args.subspan(1), out, err);
  return refuse(word, err);
}

}  // namespace millrace::control
