// Secrets from which the keys of cookies come: drawn at the start, or shared by the nodes of a fleet.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/entropy.h"

namespace millrace {

using Secret = std::array<uint8_t, 32>;

struct Secrets {
  Secret issue{};                // what we issue comes from it
  std::optional<Secret> accept;  // taken as well, while a fleet changes from one secret to the next
  bool shared = false;           // other nodes issue by them: what comes back need not be our own
  friend bool operator==(const Secrets&, const Secrets&) = default;
};

inline Secrets draw_secrets(Entropy& entropy) {
  Secrets secrets;
  for (size_t at = 0; at < secrets.issue.size(); at += 16) {
    const std::array<uint8_t, 16> part = entropy.key();
    std::copy(part.begin(), part.end(), secrets.issue.begin() + static_cast<ptrdiff_t>(at));
  }
  return secrets;
}

}  // namespace millrace
