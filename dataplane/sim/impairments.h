// What may be wrong with a link, by name: the one declaration from which command lines, their help and the tests
// read. Neighbour: link.h, whose parameters they fill.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/link.h"

namespace millrace::sim {

struct Impairment {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  // False: the value is none.
  bool (*set)(LinkParams& params, std::string_view value);
};

std::span<const Impairment> impairments();

// "rate=10M,delay=20ms,loss=1%": as far as they are named. Returns what is wrong; empty: nothing.
std::string parse(std::string_view text, LinkParams& params);

}  // namespace millrace::sim
