// millracectl: see run.h.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "control/cli/run.h"

int main(int argc, char** argv) {
  millrace::control::cli::World world{
      std::cout,
      std::cerr,
      [](const char* name) -> const char* { return std::getenv(name); },
      [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); },
      isatty(STDOUT_FILENO) == 1,
      millrace::control::cli::take_terminal};
  return millrace::control::cli::run({argv + 1, argv + argc}, world);
}
