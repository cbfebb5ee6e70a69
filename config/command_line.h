// The command line of `serve`, `load` and the subcommands that take the same options: every option comes from
// the schema.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/manual/page.h"

namespace millrace::config {

// An option of one subcommand beside those of the schema.
struct ExtraOption {
  std::string_view name;      // without dashes
  std::string_view argument;  // its name in the help; empty: a switch
  std::string_view doc;
};

struct CommandLine {
  bool help = false;
  std::optional<std::string> file;      // -c FILE
  std::vector<Assignment> assignments;  // in the order of the command line
  std::vector<std::string> replaced;    // named sections that the command line gives anew: port, service
  std::vector<std::string> words;       // that belong to no option, where they are allowed
  std::map<std::string, std::string, std::less<>> extra;
};

enum class Words { Refused, Allowed };

// `args` without the program's and the subcommand's names. Problems have the option as their origin.
// Command::Every takes the options of all commands.
CommandLine parse_command_line(std::span<const std::string> args, std::span<const ExtraOption> extra,
                               Words words, Problems& problems, Command command = Command::Every);

// The same options as pages show them.
std::vector<manual::Option> option_pages(std::span<const ExtraOption> extra,
                                         Command command = Command::Every);

// An option of the schema, as the reference lists it: `--vdev DEVICE`, and what it stands for.
struct OptionHelp {
  std::string form;
  std::string key;
  std::string doc;
};
std::vector<OptionHelp> schema_options(Command command = Command::Every);

}  // namespace millrace::config
