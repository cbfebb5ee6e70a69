#include "config/commands.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "config/diff.h"
#include "config/load.h"
#include "config/reference.h"
#include "config/show.h"
#include "config/text.h"

namespace millrace::config {

namespace {

constexpr std::string_view kConfigHelp = R"(Usage: millrace config COMMAND [OPTIONS]

  check FILE    say everything that is wrong with a configuration, and change nothing
  show          show the settings that `serve` would run with, and where each came from
  diff OLD NEW  show what changes from one file to another, and what of it needs a restart
  reference     describe every key

`millrace config COMMAND --help` has more.
)";

constexpr std::string_view kCheckHelp = R"(Usage: millrace config check [OPTIONS] FILE

Reads a configuration as `millrace serve -c FILE` would, and says everything that is wrong with it,
a line each: FILE:LINE: KEY: what was given, what is allowed, what to do. Exits 0 when it is good and
2 when it is not.

Examples:
  millrace config check endpoint.conf
  millrace config check --partial common.conf       the port comes from the command line later
  millrace config check endpoint.conf --set tcp.msl=5s

)";

constexpr std::string_view kShowHelp = R"(Usage: millrace config show [OPTIONS] [-- EAL-ARGUMENT...]

Shows what `millrace serve` with the same options would run with, and where each value came from.
The output is a configuration file again.

Examples:
  millrace config show -c endpoint.conf
  millrace config show -c endpoint.conf --set tcp.msl=5s --defaults
  millrace config show -c endpoint.conf --json

)";

constexpr std::string_view kDiffHelp = R"(Usage: millrace config diff [--json] OLD NEW

Shows every key whose value is not the same in two configuration files, defaults included, and whether
a running endpoint takes the change at a reload or needs a restart. Both files are checked first.
Exits 0 when they say the same, 1 when they do not, 2 when one of them is not valid.

Examples:
  millrace config diff /etc/millrace/endpoint.conf new.conf
)";

constexpr std::string_view kReferenceHelp = R"(Usage: millrace config reference [--format markdown|text|json]

Describes every key: type, default, what is allowed, whether a change needs a restart.

Examples:
  millrace config reference --format text | less
  millrace config reference > config/reference.md
)";

constexpr std::string_view kServeHelp = R"(Usage: millrace serve [OPTIONS] [-- EAL-ARGUMENT...]

Runs an endpoint: a port, addresses, and services that answer on them. SIGINT and SIGTERM let open
connections finish and stop; a second one stops at once. The command line overrides the file.

Examples:
  millrace serve -c endpoint.conf
  millrace serve --vdev net_tap0,iface=mr0 --address 10.0.0.2/24 --service http:80
  millrace serve --vdev net_af_packet0,iface=veth0 --address 10.0.0.2/24 --address 2001:db8::2/64 \
      --route 'default via 10.0.0.1' --service http:80,directory=/srv/www --service echo:7 \
      --set tcp.msl=5s
  millrace serve -c endpoint.conf -- --log-level=lib.eal:debug

)";

constexpr std::string_view kLoadHelp = R"(Usage: millrace load [OPTIONS] [-- EAL-ARGUMENT...]

Puts a server under load from an lcore and says how it did: a line a second on standard error, the result
on standard output. Without --rate as fast as it goes (a closed loop: each connection asks when it is
answered). With --rate at that rate (an open loop): latency counts from the instant at which a request was
due, so that a server which stalls is charged for all that came meanwhile. SIGINT ends early and still
prints the result.

Exits 0 when all that was asked was reached, 1 with a sentence that says what was in the way when it was
not, 2 when it could not start.

Examples:
  millrace load --vdev net_memif0,role=client,id=0,socket=/run/x.sock --address 10.0.0.1/24 \
      --to 10.0.0.2:80 --connections 64 --duration 10s
  millrace load -c endpoint.conf --to 10.0.0.2:80 --rate 100000 --connections 400 --json
  millrace load -c endpoint.conf --to 10.0.0.2:80-83 --mode cps --source 10.0.0.10-10.0.0.20
  millrace load -c endpoint.conf --to '[2001:db8::2]:9' --mode bulk --direction up --connections 4

)";

constexpr ExtraOption kCheckOptions[] = {
    {"partial", "", "Do not ask for a port, an address and a service: they come from elsewhere"},
    {"load", "", "Check for `millrace load`, which needs a server and no service"}};
constexpr ExtraOption kLoadOptions[] = {{"json", "", "The result as JSON, for programs"},
                                        {"quiet", "", "No lines while it runs"}};
constexpr ExtraOption kShowOptions[] = {{"json", "", "For programs"},
                                        {"defaults", "", "Also the keys that are left at their defaults"}};

// Whatever went wrong, with the word that tells where more is to be learnt when the usage was wrong.
int invalid(const Problems& problems, std::ostream& err) {
  err << problems.text();
  return kExitInvalid;
}

std::string counted(size_t count, std::string_view noun, std::string_view plural) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? noun : plural);
}

bool wants_help(std::span<const std::string> args) {
  return std::any_of(args.begin(), args.end(),
                     [](const std::string& arg) { return arg == "--help" || arg == "-h"; });
}

}  // namespace

int config_check(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Problems problems;
  CommandLine line = parse_command_line(args, kCheckOptions, Words::Allowed, problems);
  if (line.help) {
    out << kCheckHelp << options_help(kCheckOptions);
    return kExitGood;
  }
  if (!line.file && line.words.size() == 1)
    line.file = line.words.front();
  else if (!line.words.empty() || !line.file)
    problems.add({Source::CommandLine, "millrace config check", 0}, "",
                 "needs one FILE; --help has examples");
  if (!problems.empty() && !line.file) return invalid(problems, err);

  const Purpose purpose = line.extra.contains("partial") ? Purpose::Partial
                          : line.extra.contains("load")  ? Purpose::Load
                                                         : Purpose::Serve;
  const Loaded loaded = load(line, purpose, problems);
  if (!loaded.problems.empty()) return invalid(loaded.problems, err);
  const Settings& settings = loaded.settings;
  out << escaped(*line.file) << ": good: " << counted(settings.ports.size(), "port", "ports") << ", "
      << counted(settings.addresses.size(), "address", "addresses") << ", "
      << counted(settings.routes.size(), "route", "routes") << ", "
      << counted(settings.services.size(), "service", "services") << '\n';
  for (const std::string& sentence : memory_lines(settings)) out << "  " << sentence << '\n';
  return kExitGood;
}

int config_show(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Problems problems;
  const CommandLine line = parse_command_line(args, kShowOptions, Words::Refused, problems);
  if (line.help) {
    out << kShowHelp << options_help(kShowOptions);
    return kExitGood;
  }
  const Loaded loaded = load(line, Purpose::Partial, problems);
  if (!loaded.problems.empty()) return invalid(loaded.problems, err);
  const Shown shown = line.extra.contains("defaults") ? Shown::All : Shown::Set;
  out << (line.extra.contains("json") ? show_json(loaded.config, shown) : show_text(loaded.config, shown));
  return kExitGood;
}

int config_diff(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  if (wants_help(args)) {
    out << kDiffHelp;
    return kExitGood;
  }
  std::vector<std::string> files(args.begin(), args.end());
  const bool json = std::erase(files, "--json") != 0;
  if (files.size() != 2) {
    err << "millrace config diff: needs two FILEs; --help has examples\n";
    return kExitInvalid;
  }
  Config configs[2];
  for (size_t i = 0; i < 2; ++i) {
    CommandLine line;
    line.file = files[i];
    Loaded loaded = load(line, Purpose::Partial);
    if (!loaded.problems.empty()) return invalid(loaded.problems, err);
    configs[i] = std::move(loaded.config);
  }
  const std::vector<Difference> found = differences(configs[0], configs[1]);
  if (json) {
    out << diff_json(found);
  } else {
    for (const Difference& one : found) out << escaped(one.text()) << '\n';
    if (found.empty()) out << "No differences.\n";
  }
  return found.empty() ? kExitGood : kExitDiffers;
}

int config_reference(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  if (wants_help(args)) {
    out << kReferenceHelp;
    return kExitGood;
  }
  std::string format = "markdown";
  static constexpr std::string_view kOption = "--format";
  if (args.size() == 2 && args[0] == kOption)
    format = args[1];
  else if (args.size() == 1 && args[0].starts_with("--format="))
    format = args[0].substr(kOption.size() + 1);
  else if (!args.empty())
    format = "?";
  if (format == "markdown")
    out << markdown_reference();
  else if (format == "text")
    out << text_reference();
  else if (format == "json")
    out << json_reference();
  else {
    err << "millrace config reference: takes --format markdown, text or json and nothing else\n";
    return kExitInvalid;
  }
  return kExitGood;
}

int run_config(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  if (args.empty()) {
    err << kConfigHelp;
    return kExitInvalid;
  }
  const std::string& command = args.front();
  const std::span<const std::string> rest = args.subspan(1);
  if (command == "check") return config_check(rest, out, err);
  if (command == "show") return config_show(rest, out, err);
  if (command == "diff") return config_diff(rest, out, err);
  if (command == "reference") return config_reference(rest, out, err);
  if (command == "--help" || command == "-h" || command == "help") {
    out << kConfigHelp;
    return kExitGood;
  }
  const std::array<std::string, 4> known = {"check", "show", "diff", "reference"};
  const std::string_view near = nearest(command, known);
  err << "millrace config: " << quoted(command) << " is no command; "
      << (near.empty() ? std::string("there are check, show, diff and reference")
                       : "did you mean " + std::string(near) + "?")
      << '\n';
  return kExitInvalid;
}

namespace {

// Settings, or why there are none.
Plan plan_of(const CommandLine& line, Purpose purpose, const Problems& problems, std::ostream& err) {
  Plan plan;
  Loaded loaded = load(line, purpose, problems);
  if (!loaded.problems.empty()) {
    plan.exit_code = invalid(loaded.problems, err);
    return plan;
  }
  plan.settings = std::move(loaded.settings);
  plan.config = std::move(loaded.config);
  plan.line = line;
  return plan;
}

// Tables hold what is asked for, unless somebody has said how much they hold.
void make_room(Settings& settings) {
  const uint32_t connections = settings.load.connections;
  settings.memory.connections = std::max(settings.memory.connections, connections + connections / 8);
}

}  // namespace

Plan plan_serve(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Problems problems;
  const CommandLine line = parse_command_line(args, {}, Words::Refused, problems, Command::Serve);
  if (line.help) {
    out << kServeHelp << options_help({}, Command::Serve);
    return {};
  }
  return plan_of(line, Purpose::Serve, problems, err);
}

LoadPlan plan_load(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Problems problems;
  const CommandLine line = parse_command_line(args, kLoadOptions, Words::Refused, problems, Command::Load);
  if (line.help) {
    out << kLoadHelp << options_help(kLoadOptions, Command::Load);
    return {};
  }
  LoadPlan plan{.plan = plan_of(line, Purpose::Load, problems, err),
                .json = line.extra.contains("json"),
                .quiet = line.extra.contains("quiet")};
  if (plan.plan.settings && !plan.plan.config.is_set("memory.connections")) make_room(*plan.plan.settings);
  return plan;
}

}  // namespace millrace::config
