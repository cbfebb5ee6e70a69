// What `millrace demo` can play: one row a scenario. Neighbours: demo.cpp (the command), stage.h (the
// stage).
#pragma once

#include <span>
#include <string_view>

namespace millrace::control {

class Stage;

struct Scenario {
  std::string_view name;
  std::string_view sentence;   // for --list
  std::string_view look_at;    // above the ladder: what to look at
  void (*play)(Stage& stage);  // plays it and claims what came of it
};

std::span<const Scenario> scenarios();

}  // namespace millrace::control
