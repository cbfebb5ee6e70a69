// Whether a queue brings what the steering function predicts: found out on its first packets, of each family
// by itself, since a NIC may hash one and not the other.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/address.h"

namespace millrace::flow {

class SteeringCheck {
 public:
  static constexpr uint32_t kPackets = 64;
  enum class Verdict : uint8_t { Unknown, Agrees, Differs };

  // Nothing is known yet, and so each packet is worth a look.
  bool pending(Family family) const { return of(family).verdict == Verdict::Unknown; }
  // A packet came, and was or was not predicted to come here.
  void saw(Family family, bool predicted) {
    Seen& seen = seen_[static_cast<size_t>(family)];
    if (!predicted)
      seen.verdict = Verdict::Differs;
    else if (++seen.agreed == kPackets)
      seen.verdict = Verdict::Agrees;
  }
  Verdict verdict(Family family) const { return of(family).verdict; }

 private:
  struct Seen {
    uint32_t agreed = 0;
    Verdict verdict = Verdict::Unknown;
  };
  const Seen& of(Family family) const { return seen_[static_cast<size_t>(family)]; }

  std::array<Seen, 2> seen_;
};

}  // namespace millrace::flow
