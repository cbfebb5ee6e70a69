#include "control/load/params.h"

#include <unistd.h>

#include <algorithm>

namespace millrace::control {

namespace {

using services::load::Closer;
using services::load::Direction;
using services::load::Mode;
using services::load::Protocol;

Mode mode_of(config::LoadMode mode) {
  switch (mode) {
    case config::LoadMode::Rps:
      return Mode::Requests;
    case config::LoadMode::Cps:
      return Mode::Connections;
    case config::LoadMode::Bulk:
      return Mode::Bulk;
    case config::LoadMode::Concurrent:
      return Mode::Concurrent;
    case config::LoadMode::Handshake:
      return Mode::Handshake;
  }
  return Mode::Requests;
}

Protocol protocol_of(config::LoadProtocol protocol) {
  switch (protocol) {
    case config::LoadProtocol::Rpc:
      return Protocol::Rpc;
    case config::LoadProtocol::Echo:
      return Protocol::Echo;
    case config::LoadProtocol::Discard:
      return Protocol::Discard;
    case config::LoadProtocol::Chargen:
      return Protocol::Chargen;
    case config::LoadProtocol::Auto:
    case config::LoadProtocol::Http:
      break;
  }
  return Protocol::Http;
}

Direction direction_of(config::LoadDirection direction) {
  switch (direction) {
    case config::LoadDirection::Up:
      return Direction::Up;
    case config::LoadDirection::Down:
      return Direction::Down;
    case config::LoadDirection::Both:
      break;
  }
  return Direction::Both;
}

Closer closer_of(config::LoadClose close) {
  switch (close) {
    case config::LoadClose::Server:
      return Closer::Server;
    case config::LoadClose::Reset:
      return Closer::Reset;
    case config::LoadClose::Auto:
    case config::LoadClose::Client:
      break;
  }
  return Closer::Client;
}

// The prefix that an own address shares with one of the endpoint's; alone where there is none.
Prefix prefix_of(const IpAddress& address, const std::vector<Prefix>& addresses) {
  for (const Prefix& prefix : addresses)
    if (prefix.contains(address)) return {address, prefix.length};
  return {address, static_cast<uint8_t>(address.is_v4() ? 32 : 128)};
}

}  // namespace

services::load::Params load_params(const config::LoadSettings& load) {
  services::load::Params params;
  params.mode = mode_of(load.mode);
  params.protocol = protocol_of(load.chosen_protocol());
  params.direction = direction_of(load.direction);
  params.close = closer_of(load.chosen_close());
  for (const config::Target& target : load.to)
    for (uint32_t port = target.ports.first; port <= target.ports.last; ++port)
      params.targets.push_back({target.address, static_cast<uint16_t>(port)});
  params.sources = load.source_addresses();
  params.connections = load.connections;
  params.depth = load.depth;
  params.rate = load.rate;
  params.request_bytes = load.request_bytes;
  params.response_bytes = load.response_bytes;
  params.work = load.work;
  params.fast_open = load.fast_open;
  params.path = load.path;
  params.hold = load.duration;
  return params;
}

config::Settings load_endpoint_settings(const config::Settings& settings, const config::Config& config) {
  config::Settings own = settings;
  own.services.clear();
  for (const IpAddress& address : settings.load.source_addresses()) {
    const auto same = [&](const Prefix& prefix) { return prefix.address == address; };
    if (std::none_of(own.addresses.begin(), own.addresses.end(), same))
      own.addresses.push_back(prefix_of(address, settings.addresses));
  }
  // Its own sleep would be counted as the server's delay.
  if (own.lcores.idle == config::IdleSetting::Auto) own.lcores.idle = config::IdleSetting::Poll;
  if (!config.is_set("eal.file_prefix")) own.eal.file_prefix = "millrace-load-" + std::to_string(getpid());
  return own;
}

}  // namespace millrace::control
