#include "config/commands.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "config/diff.h"
#include "config/load.h"
#include "config/manual/options.h"
#include "config/manual/readings.h"
#include "config/pages.h"
#include "config/reference.h"
#include "config/show.h"
#include "config/text.h"

namespace millrace::config {

namespace {

// Pages of one program, of which the name alone is told here.
std::string help_of(std::string_view name) {
  const std::vector<manual::Command> all = pages();
  return manual::help_text("millrace", *std::ranges::find(all, name, &manual::Command::name));
}

std::string help_of_group() {
  std::string out = "Usage: millrace config COMMAND [OPTIONS]\n\n";
  for (const manual::Command& command : pages())
    if (command.name.starts_with("config "))
      out +=
          "  " + command.name.substr(7) + std::string(18 - command.name.size(), ' ') + command.summary + '\n';
  return out + "\n`millrace config COMMAND --help` has more.\n";
}

// Whatever went wrong, with the word that tells where more is to be learnt when the usage was wrong.
int invalid(const Problems& problems, std::ostream& err) {
  err << problems.text();
  return kExitInvalid;
}

std::string counted(size_t count, std::string_view noun, std::string_view plural) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? noun : plural);
}

}  // namespace

int config_check(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Problems problems;
  CommandLine line = parse_command_line(args, check_options(), Words::Allowed, problems);
  if (line.help) {
    out << help_of("config check");
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
  const CommandLine line = parse_command_line(args, show_options(), Words::Refused, problems);
  if (line.help) {
    out << help_of("config show");
    return kExitGood;
  }
  const Loaded loaded = load(line, Purpose::Partial, problems);
  if (!loaded.problems.empty()) return invalid(loaded.problems, err);
  const Shown shown = line.extra.contains("defaults") ? Shown::All : Shown::Set;
  out << (line.extra.contains("json") ? show_json(loaded.config, shown) : show_text(loaded.config, shown));
  return kExitGood;
}

int config_diff(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  const manual::Parsed given = manual::parse(args, diff_options(), 2);
  if (given.values.count("help") != 0) {
    out << help_of("config diff");
    return kExitGood;
  }
  if (given.words.size() != 2 || !given.problem.empty()) {
    err << "millrace config diff: "
        << (given.problem.empty() ? std::string("needs two FILEs") : given.problem)
        << "; --help has examples\n";
    return kExitInvalid;
  }
  Config configs[2];
  for (size_t i = 0; i < 2; ++i) {
    CommandLine line;
    line.file = given.words[i];
    Loaded loaded = load(line, Purpose::Partial);
    if (!loaded.problems.empty()) return invalid(loaded.problems, err);
    configs[i] = std::move(loaded.config);
  }
  const std::vector<Difference> found = differences(configs[0], configs[1]);
  if (given.values.count("json") != 0) {
    out << diff_json(found);
  } else {
    for (const Difference& one : found) out << escaped(one.text()) << '\n';
    if (found.empty()) out << "No differences.\n";
  }
  return found.empty() ? kExitGood : kExitDiffers;
}

int config_reference(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  const manual::Parsed given = manual::parse(args, reference_options());
  if (given.values.count("help") != 0) {
    out << help_of("config reference");
    return kExitGood;
  }
  const std::string format = given.problem.empty() ? given.values["format"].as<std::string>() : "";
  if (format == "markdown")
    out << markdown_reference();
  else if (format == "text")
    out << text_reference();
  else if (format == "json")
    out << json_reference();
  else {
    err << "millrace config reference: "
        << (given.problem.empty() ? std::string("--format is markdown, text or json") : given.problem)
        << "; --help has examples\n";
    return kExitInvalid;
  }
  return kExitGood;
}

int run_config(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  if (args.empty()) {
    err << help_of_group();
    return kExitInvalid;
  }
  const std::string& command = args.front();
  const std::span<const std::string> rest = args.subspan(1);
  if (command == "check") return config_check(rest, out, err);
  if (command == "show") return config_show(rest, out, err);
  if (command == "diff") return config_diff(rest, out, err);
  if (command == "reference") return config_reference(rest, out, err);
  if (command == "--help" || command == "-h" || command == "help") {
    out << help_of_group();
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
    out << help_of("serve");
    return {};
  }
  return plan_of(line, Purpose::Serve, problems, err);
}

LoadPlan plan_load(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Problems problems;
  const CommandLine line = parse_command_line(args, load_options(), Words::Refused, problems, Command::Load);
  if (line.help) {
    out << help_of("load");
    return {};
  }
  LoadPlan plan{.plan = plan_of(line, Purpose::Load, problems, err),
                .json = line.extra.contains("json"),
                .quiet = line.extra.contains("quiet")};
  if (plan.plan.settings && !plan.plan.config.is_set("memory.connections")) make_room(*plan.plan.settings);
  return plan;
}

}  // namespace millrace::config
