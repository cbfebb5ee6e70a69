#include "services/chargen.h"

#include <array>

#include "app/connection.h"

namespace millrace::services {

namespace {

constexpr std::array<uint8_t, Chargen::kPeriod> make_pattern() {
  std::array<uint8_t, Chargen::kPeriod> octets{};
  uint32_t at = 0;
  for (uint32_t line = 0; line < Chargen::kCharacters; ++line) {
    for (uint32_t column = 0; column < Chargen::kLineChars; ++column)
      octets[at++] = static_cast<uint8_t>(' ' + (line + column) % Chargen::kCharacters);
    octets[at++] = '\r';
    octets[at++] = '\n';
  }
  return octets;
}

constexpr std::array<uint8_t, Chargen::kPeriod> kPattern = make_pattern();

// The connection's context word is the place in the pattern, so that a connection costs no memory.
void fill(app::Connection& connection) {
  auto offset = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(connection.context()));
  for (;;) {
    const auto rest = std::span(kPattern).subspan(offset);
    const uint32_t sent = connection.send(rest);
    offset = (offset + sent) % Chargen::kPeriod;
    if (sent < rest.size()) break;  // on_writable goes on
  }
  connection.set_context(reinterpret_cast<void*>(static_cast<uintptr_t>(offset)));
}

}  // namespace

std::span<const uint8_t> Chargen::pattern() { return kPattern; }

void Chargen::on_established(app::Connection& connection) { fill(connection); }
void Chargen::on_writable(app::Connection& connection) { fill(connection); }
void Chargen::on_readable(app::Connection& connection) { connection.consume(connection.readable_bytes()); }
void Chargen::on_peer_finished(app::Connection& connection) { connection.close(); }

}  // namespace millrace::services
