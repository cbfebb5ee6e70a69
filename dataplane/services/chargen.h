// The character generator, RFC 864: lines of 72 printing characters, each line begun one character later in
// the alphabet, as fast as the peer's window lets them go, until the peer closes. Input is thrown away.
#pragma once

#include <cstdint>
#include <span>

#include "services/service.h"

namespace millrace::services {

class Chargen final : public Service {
 public:
  static constexpr uint32_t kCharacters = 95;  // ' ' to '~'
  static constexpr uint32_t kLineChars = 72;
  static constexpr uint32_t kPeriod =
      kCharacters * (kLineChars + 2);  // octets until the pattern starts again

  // One period of the pattern.
  static std::span<const uint8_t> pattern();

  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
};

}  // namespace millrace::services
