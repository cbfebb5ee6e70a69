#include "control/cli/program.h"

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>

#include "config/manual/commands.h"
#include "config/manual/options.h"
#include "config/schema.h"
#include "control/cli/commands.h"
#include "control/cli/views.h"
#include "control/socket/address.h"
#include "tcp/state.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;

manual::Command page_of(const Command& command) {
  po::options_description options = common_options();
  command.declare(options);
  std::string summary(command.summary());
  if (summary.ends_with('.')) summary.pop_back();
  manual::Command page{.name = std::string(command.name),
                       .summary = summary,
                       .words = std::string(command.words),
                       .options = manual::options_of(options)};
  for (const Example& example : command.examples)
    page.examples.push_back({std::string(example.line), std::string(example.says)});
  return page;
}

manual::Command help_page() {
  return {.name = "help",
          .summary = "The options and examples of a command",
          .words = "[COMMAND]",
          .examples = {{"help conns", ""}}};
}

std::vector<manual::Placeholder> placeholders(const std::vector<manual::Command>& commands) {
  manual::Placeholder command{"COMMAND", {}}, key{"KEY", {}}, column{"COLUMN", {}}, state{"STATE", {}};
  for (const manual::Command& one : commands) command.values.push_back(one.name);
  for (const config::Key& one : config::keys())
    if (!config::find_section(one.section)->named) key.values.push_back(one.path());
  for (const SortKey& one : kSortKeys) column.values.emplace_back(one.name);
  for (unsigned i = 0; i < tcp::kStates; ++i)
    state.values.emplace_back(tcp::name_of(static_cast<tcp::State>(i)));
  const config::Key* level = config::find_key("control", "log_level");
  return {command, key, column, state, {"LEVEL", {level->choices.begin(), level->choices.end()}}};
}

}  // namespace

po::options_description common_options() {
  po::options_description options;
  options.add_options()(
      "socket", po::value<std::string>()->value_name("PATH"),
      ("the endpoint's control socket; else $MILLRACE_SOCKET, else " + std::string(kDefaultSocket)).c_str())(
      "json", "for programs: the endpoint's reply")("help,h", "what you are reading");
  return options;
}

manual::Program program_page() {
  manual::Program page{
      .name = "millracectl",
      .summary = "look into a running `millrace serve`, and steer it",
      .about =
          "Each command asks the endpoint over its control socket, and never makes an lcore wait. "
          "`millracectl help COMMAND` has the options and examples of a command.",
      .options = manual::options_of(common_options()),
      .statuses = {{kOk, "done"},
                   {kEndpointError, "the endpoint answered with an error"},
                   {kUsage, "wrong usage"},
                   {kUnreachable, "no endpoint reached"}},
      .environment = {{"MILLRACE_SOCKET", "The control socket, where --socket names none."}},
      .files = {{kDefaultSocket, "The control socket, where neither does."}},
      .see_also = {"millrace(1)", "millrace.conf(5)"}};
  page.options.push_back({.name = "version", .doc = "the version of millracectl itself"});
  for (const Command& command : commands()) page.commands.push_back(page_of(command));
  page.commands.push_back(help_page());
  page.commands.push_back(manual::man_command({}));
  page.commands.push_back(manual::completion_command(page.name));
  page.placeholders = placeholders(page.commands);
  return page;
}

const manual::Command* find_page(const manual::Program& page, std::string_view name) {
  const auto found = std::ranges::find(page.commands, name, &manual::Command::name);
  return found == page.commands.end() ? nullptr : &*found;
}

}  // namespace millrace::control::cli
