// A load's result for people and for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "control/load/verdict.h"

namespace millrace::control {

// What is about to be done, as one line.
std::string load_headline(const config::LoadSettings& load);

void print_load_table(std::ostream& out, const LoadResult& result, const LoadVerdict& verdict);
void print_load_json(std::ostream& out, const LoadResult& result, const LoadVerdict& verdict);

// 1234567 as 1,234,567.
std::string grouped(double number);

// A value of a choice of [load], as it is written.
std::string_view load_word(std::string_view key, size_t choice);

}  // namespace millrace::control
