// What the commands share: options as parameters of a method, bounds, replies as JSON, lists page after page.
// Neighbours: commands.h (the table of commands), stats.h, listing.h and top.h (commands of their own rooms).
#pragma once

#include <boost/program_options/value_semantic.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "control/cli/commands.h"

namespace millrace::control::cli {

template <typename T>
boost::program_options::typed_value<T>* value_of(const char* name) {
  return boost::program_options::value<T>()->value_name(name);
}

// Each returns kOk. As a line it is for whoever reads line by line.
int print_json(Call& call, const json& value);
int print_json_line(Call& call, const json& value);

// The options given, under the names and with the types that the method declares. Throws Failure.
json params_from(const Call& call, Method method);

// An option's value; throws Failure when it is not from `min` to `max`.
int64_t bounded(const Call& call, const char* name, int64_t min, int64_t max);

// Rows of a method that answers by pages.
inline constexpr size_t kMostRows = 100'000'000;
// Hands over row after row, at most `limit`. `renew`, where given, may change the parameters before the next
// page is asked for. True: there are more.
bool each_row(Call& call, Method method, size_t limit, const std::function<void(json&&)>& take,
              const std::function<void(json& params)>& renew = nullptr);

}  // namespace millrace::control::cli
