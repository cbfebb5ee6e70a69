// Every command of millracectl, declared once: parsing, `help`, man page, completion and suggestions read
// this table. Neighbours: program.h (the pages), run.h (chooses and runs one), views.h (what people see),
// control/socket/methods.h (what is asked).
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/client.h"
#include "control/cli/terminal.h"
#include "control/socket/methods.h"

namespace millrace::control::cli {

// The world around a run, so that tests can be it.
struct World {
  std::ostream& out;
  std::ostream& err;
  std::function<const char*(const char*)> environment;
  std::function<void(std::chrono::milliseconds)> sleep;
  bool terminal = false;                                          // out is one
  std::function<std::unique_ptr<Terminal>()> take_terminal = {};  // keys and a screen; null: there are none
};

struct Call {
  Client& client;
  const boost::program_options::variables_map& options;
  World& world;
  bool json = false;
  std::vector<std::string> words;  // after the command, as many as it takes
};

struct Example {
  std::string_view line;
  std::string_view says;
};

struct Command {
  std::string_view name;
  Method method;  // whose sentence is the command's
  std::span<const Example> examples;
  void (*declare)(boost::program_options::options_description&);
  int (*run)(Call&);            // the exit code
  std::string_view words = {};  // what it takes beside options: `ID`, `get [KEY] | set KEY VALUE`
  size_t most_words = 0;
  std::string_view about = {};  // instead of the method's sentence

  std::string_view summary() const;
};

std::span<const Command> commands();
const Command* find_command(std::string_view name);

}  // namespace millrace::control::cli
