// The congestion controllers that an experiment may name.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "cc/controller.h"

namespace millrace::paths {

using cc::name_of;

inline constexpr std::array kControllers = {cc::Algorithm::NewReno, cc::Algorithm::Cubic, cc::Algorithm::Bbr};

inline std::optional<cc::Algorithm> controller_named(std::string_view name) {
  for (const cc::Algorithm one : kControllers)
    if (cc::name_of(one) == name) return one;
  return std::nullopt;
}

}  // namespace millrace::paths
