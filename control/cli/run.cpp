#include "control/cli/run.h"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>

#include "config/manual/commands.h"
#include "config/manual/readings.h"
#include "config/text.h"
#include "control/cli/program.h"
#include "control/socket/address.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;

constexpr const char* kWords = "words";  // of the command, that belong to no option

// Arguments before the command, the command, arguments after it.
struct Words {
  std::vector<std::string> options;  // both sides together
  std::string command;
};

Words split(const std::vector<std::string>& arguments) {
  Words words;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (words.command.empty() && !word.starts_with('-')) {
      words.command = word;
      continue;
    }
    words.options.push_back(word);
    const bool takes_next = words.command.empty() && word == "--socket" && i + 1 < arguments.size();
    if (takes_next) words.options.push_back(arguments[++i]);
  }
  return words;
}

Failure no_command(const manual::Program& page, const std::string& name) {
  std::vector<std::string> names;
  for (const manual::Command& command : page.commands) names.push_back(command.name);
  std::string hint = suggestion(name, std::move(names));
  if (hint.empty()) hint = " `millracectl help` lists them.";
  return {kUsage, "There is no command " + config::quoted(name) + "." + hint};
}

std::string help_of(const std::string& name) {
  const manual::Program page = program_page();
  const manual::Command* command = find_page(page, name);
  if (command == nullptr) throw no_command(page, name);
  return manual::help_text(page.name, *command);
}

// Words that are neither options nor their values have no place after a command.
po::variables_map parse(const std::vector<std::string>& words, const po::options_description& visible,
                        size_t most_words = 0) {
  po::variables_map values;
  po::options_description options(visible);
  options.add_options()(kWords, po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  if (most_words > 0) positional.add(kWords, static_cast<int>(most_words));
  try {
    constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    const auto parsed =
        po::command_line_parser(words).options(options).style(style).positional(positional).run();
    po::store(parsed, values);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& option : visible.options()) names.push_back("--" + option->long_name());
    throw Failure(kUsage, "There is no option " + config::quoted(error.get_option_name()) + "." +
                              suggestion(error.get_option_name(), std::move(names)));
  } catch (const po::too_many_positional_options_error&) {
    throw Failure(kUsage, "There is a word too many: options begin with --.");
  } catch (const po::error& error) {
    throw Failure(kUsage, config::escaped(error.what()) + ".");
  }
  return values;
}

std::string socket_path(const po::variables_map& options, const World& world) {
  if (options.count("socket") != 0) return options["socket"].as<std::string>();
  const char* told = world.environment("MILLRACE_SOCKET");
  return told != nullptr && *told != '\0' ? told : kDefaultSocket;
}

void run_help(const std::vector<std::string>& topics, World& world) {
  if (topics.size() > 1) throw Failure(kUsage, "help takes one command.");
  if (topics.empty() || topics.front() == "help" || topics.front().starts_with('-')) {
    world.out << manual::help_text(program_page());
  } else {
    world.out << help_of(topics.front());
  }
}

int run_command(const Words& words, World& world) {
  const Command* command = find_command(words.command);
  if (command == nullptr) throw no_command(program_page(), words.command);
  po::options_description options = common_options();
  command->declare(options);
  const po::variables_map values = parse(words.options, options, command->most_words);
  if (values.count("help") != 0) {
    world.out << help_of(words.command);
    return kOk;
  }
  Client client(socket_path(values, world));
  Call call{client, values, world, values.count("json") != 0, {}};
  if (values.count(kWords) != 0) call.words = values[kWords].as<std::vector<std::string>>();
  return command->run(call);
}

int dispatch(const std::vector<std::string>& arguments, World& world) {
  const Words words = split(arguments);
  const auto given = [&](const char* word) {
    return std::ranges::find(words.options, word) != words.options.end();
  };
  if (words.command == "help") {
    run_help(words.options, world);
    return kOk;
  }
  if (words.command == "man") return manual::run_man(program_page(), {}, words.options, world.out, world.err);
  if (words.command == "completion")
    return manual::run_completion(program_page(), words.options, world.out, world.err);
  if (!words.command.empty()) return run_command(words, world);
  if (given("--help") || given("-h")) {
    world.out << manual::help_text(program_page());
    return kOk;
  }
  if (given("--version")) {
    world.out << "millracectl " << version() << '\n';
    return kOk;
  }
  parse(words.options, common_options());  // says what is wrong with them, if anything is
  throw Failure(kUsage, "Which command? `millracectl help` lists them.");
}

}  // namespace

int run(const std::vector<std::string>& arguments, World& world) {
  try {
    return dispatch(arguments, world);
  } catch (const Failure& failure) {
    world.err << "millracectl: " << failure.what() << '\n';
    return failure.exit_code();
  } catch (const json::exception&) {
    world.err << "millracectl: The endpoint's reply lacks what is expected: is it of another version? "
                 "`millracectl version` shows the endpoint's, `millracectl --version` this one's.\n";
    return kEndpointError;
  }
}

}  // namespace millrace::control::cli
