#include "config/load_settings.h"

namespace millrace::config {

LoadProtocol LoadSettings::chosen_protocol() const {
  if (protocol != LoadProtocol::Auto) return protocol;
  if (mode != LoadMode::Bulk) return LoadProtocol::Http;
  switch (direction) {
    case LoadDirection::Up:
      return LoadProtocol::Discard;
    case LoadDirection::Down:
      return LoadProtocol::Chargen;
    case LoadDirection::Both:
      break;
  }
  return LoadProtocol::Echo;
}

// The side that closes first keeps TIME-WAIT, and with it a port of ours: the server where the protocol lets
// us ask it to, else nobody.
LoadClose LoadSettings::chosen_close() const {
  if (close != LoadClose::Auto) return close;
  if (mode == LoadMode::Cps && chosen_protocol() == LoadProtocol::Http) return LoadClose::Server;
  return mode == LoadMode::Cps || mode == LoadMode::Handshake ? LoadClose::Reset : LoadClose::Client;
}

std::vector<IpAddress> LoadSettings::source_addresses() const {
  std::vector<IpAddress> all;
  for (const AddressRange& range : sources)
    for (const IpAddress& address : range.all()) all.push_back(address);
  return all;
}

uint64_t LoadSettings::target_count() const {
  uint64_t count = 0;
  for (const Target& target : to) count += target.ports.count();
  return count;
}

}  // namespace millrace::config
