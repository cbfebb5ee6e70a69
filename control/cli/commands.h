// Every command of millracectl, declared once: parsing, `--help`, `help`, completion and suggestions read
// this table. Neighbours: run.h (chooses and runs one), views.h (what people see), control/socket/methods.h
// (what is asked).
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <chrono>
#include <functional>
#include <ostream>
#include <span>
#include <string_view>

#include "control/cli/client.h"
#include "control/socket/methods.h"

namespace millrace::control::cli {

// The world around a run, so that tests can be it.
struct World {
  std::ostream& out;
  std::ostream& err;
  std::function<const char*(const char*)> environment;
  std::function<void(std::chrono::milliseconds)> sleep;
  bool terminal = false;  // out is one
};

struct Call {
  Client& client;
  const boost::program_options::variables_map& options;
  World& world;
  bool json = false;
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
  void (*run)(Call&);

  std::string_view summary() const;
};

std::span<const Command> commands();
const Command* find_command(std::string_view name);

}  // namespace millrace::control::cli
