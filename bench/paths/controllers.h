// The congestion controllers that an experiment may name.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "cc/controller.h"

namespace millrace::paths {

inline constexpr std::array kControllers = {cc::Algorithm::NewReno};

constexpr std::string_view name_of(cc::Algorithm algorithm) {
  switch (algorithm) {
    case cc::Algorithm::NewReno:
      return "newreno";
  }
  return "";
}

inline std::optional<cc::Algorithm> controller_named(std::string_view name) {
  for (const cc::Algorithm one : kControllers)
    if (name_of(one) == name) return one;
  return std::nullopt;
}

}  // namespace millrace::paths
