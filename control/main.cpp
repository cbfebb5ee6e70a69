// The program `millrace`: see program.h.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "control/program.h"

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  return millrace::control::run_program(args, std::cout, std::cerr);
}
