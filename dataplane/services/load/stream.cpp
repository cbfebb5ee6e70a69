// Octets without end: up to discard, down from chargen, both ways with echo.
#include <array>

#include "app/connection.h"
#include "services/load/generator.h"

namespace millrace::services::load {

namespace {

constexpr std::array<uint8_t, 65536> make_filler() {
  std::array<uint8_t, 65536> octets{};
  for (size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<uint8_t>(' ' + i % 95);
  return octets;
}
constexpr std::array<uint8_t, 65536> kFiller = make_filler();

}  // namespace

void Generator::stream(Slot& slot) {
  if (params_.direction == Direction::Down) return;
  uint32_t taken = kFiller.size();
  while (!stopped_ && taken == kFiller.size()) {
    taken = slot.connection->send(kFiller);
    slot.handed_bytes += taken;
  }
  const uint64_t acknowledged = slot.handed_bytes - slot.connection->unacknowledged_bytes();
  stats_.bytes_sent.add(acknowledged - slot.acknowledged_bytes);
  slot.acknowledged_bytes = acknowledged;
}

// Takes everything and looks at nothing.
void Generator::swallow(Slot& slot) {
  const uint32_t octets = slot.connection->readable_bytes();
  stats_.bytes_received.add(octets);
  slot.connection->consume(octets);
}

}  // namespace millrace::services::load
