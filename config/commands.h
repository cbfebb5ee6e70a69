// `millrace config check|show|diff|reference`, and the part of `millrace serve` and `millrace load` that
// comes before anything is started. main passes the words behind the subcommand; nothing here touches the
// process, only the two streams.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>

#include "config/command_line.h"
#include "config/config.h"
#include "config/settings.h"

namespace millrace::config {

inline constexpr int kExitGood = 0;
inline constexpr int kExitDiffers = 1;  // of `config diff`, as diff(1) has it
inline constexpr int kExitInvalid = 2;  // usage, or a configuration that is not valid

// `args` are the words behind `millrace config`.
int run_config(std::span<const std::string> args, std::ostream& out, std::ostream& err);

// Each by itself; `args` are the words behind `millrace config check` and so on.
int config_check(std::span<const std::string> args, std::ostream& out, std::ostream& err);
int config_show(std::span<const std::string> args, std::ostream& out, std::ostream& err);
int config_diff(std::span<const std::string> args, std::ostream& out, std::ostream& err);
int config_reference(std::span<const std::string> args, std::ostream& out, std::ostream& err);

// What `serve` or `load` is to run with. Without settings there is nothing to run (--help was asked for, or a
// problem was written to `err`) and `exit_code` is the program's.
struct Plan {
  std::optional<Settings> settings;
  Config config;     // the same with where each value came from
  CommandLine line;  // what was asked for, to be read again at a reload
  int exit_code = kExitGood;
};

// `args` are the words behind `millrace serve`.
Plan plan_serve(std::span<const std::string> args, std::ostream& out, std::ostream& err);

struct LoadPlan {
  Plan plan;
  bool json = false;
  bool quiet = false;
};

// `args` are the words behind `millrace load`.
LoadPlan plan_load(std::span<const std::string> args, std::ostream& out, std::ostream& err);

}  // namespace millrace::config
