// The program `millrace`: one word chooses what it does, the rest is that one's own.
#include <algorithm>
#include <array>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/commands.h"
#include "config/text.h"
#include "control/demo/demo.h"
#include "control/doctor/doctor.h"
#include "control/load/load.h"
#include "control/serve/serve.h"
#include "control/socket/protocol.h"

namespace {

using millrace::config::nearest;
using millrace::config::quoted;

struct Command {
  std::string_view name;
  std::string_view doc;
  int (*run)(std::span<const std::string> args, std::ostream& out, std::ostream& err);
};

constexpr std::array kCommands{
    Command{"serve", "run an endpoint on a DPDK port", millrace::control::run_serve},
    Command{"load", "put a server under load, and measure", millrace::control::run_load},
    Command{"demo", "show two stacks talking in one process: no root, no NIC, no huge pages",
            millrace::control::run_demo},
    Command{"doctor", "what of this host stands in the way, and the command that mends it",
            millrace::control::run_doctor},
    Command{"config", "check, show or explain a configuration", millrace::config::run_config},
};

void print_usage(std::ostream& out) {
  out << "millrace: a TCP endpoint on DPDK\n\nusage: millrace COMMAND [OPTIONS]\n\n";
  for (const Command& command : kCommands)
    out << "  " << command.name << std::string(10 - command.name.size(), ' ') << command.doc << '\n';
  out << "\n  --version  the version of this program\n"
         "  --help     this page; after a command, that command's\n\n"
         "A running endpoint is asked by millracectl.\n\n"
         "examples:\n"
         "  millrace demo handshake\n"
         "  millrace doctor\n"
         "  millrace serve --vdev net_tap0,iface=mr0 --address 10.0.0.2/24 --service http:80\n"
         "  millrace serve -c endpoint.conf\n"
         "  millrace load -c endpoint.conf --to 10.0.0.2:80 --connections 64\n";
}

int refuse(std::string_view word) {
  std::vector<std::string> known{"--help", "--version"};
  for (const Command& command : kCommands) known.emplace_back(command.name);
  const std::string_view meant = nearest(word, known);
  std::cerr << "millrace: there is no command " << quoted(word);
  if (!meant.empty()) std::cerr << "; did you mean " << meant << '?';
  std::cerr << " `millrace --help` lists the commands\n";
  return millrace::config::kExitInvalid;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  if (args.empty()) {
    print_usage(std::cerr);
    return millrace::config::kExitInvalid;
  }
  const std::string& word = args.front();
  if (word == "--help" || word == "-h" || word == "help") {
    print_usage(std::cout);
    return 0;
  }
  if (word == "--version" || word == "-V") {
    std::cout << "millrace " << millrace::control::version() << '\n';
    return 0;
  }
  for (const Command& command : kCommands)
    if (word == command.name) return command.run(std::span(args).subspan(1), std::cout, std::cerr);
  return refuse(word);
}
