// The commands `man` and `completion`, which every program of ours has.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "config/manual/page.h"

namespace millrace::manual {

// A page of another section that the program can write: millrace.conf(5).
struct OtherPage {
  std::string name;
  std::string (*text)();
};

Command man_command(const std::vector<OtherPage>& others);
Command completion_command(const std::string& program);

// `args` are the words behind the command. `program` has both commands in its own declaration. Exit status:
// 0, or 2 for a bad command line.
int run_man(const Program& program, const std::vector<OtherPage>& others, std::span<const std::string> args,
            std::ostream& out, std::ostream& err);
int run_completion(const Program& program, std::span<const std::string> args, std::ostream& out,
                   std::ostream& err);

}  // namespace millrace::manual
