#include "flags.h"

#include <charconv>

#include "config/schema.h"
#include "config/value.h"

namespace millrace::packetdrill {

Flags::Flags() {
  gateway_v4 = *IpAddress::parse("192.168.0.2");
  gateway_v6 = *IpAddress::parse("fd3d:fa7b:d17d::2");
  // Linux's scale for its 6 MB of tcp_rmem is 7; the scripts' set-up asks for 15 MB, which is 8.
  settings.tcp.receive_buffer = 15 << 20;
}

Flags::Flags(const char* text) : Flags() {
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view pair = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = pair.substr(0, equals), value = pair.substr(equals + 1);
    const std::optional<IpAddress> address = IpAddress::parse(value);
    if (key == "mtu")
      std::from_chars(value.data(), value.data() + value.size(), mtu);
    else if (key == "local" && address)
      locals.push_back(*address);
    else if (key == "gateway" && address)
      (address->is_v4() ? gateway_v4 : gateway_v6) = *address;
    else if (key == "ctl")
      control_directory = value;
    else if (key != "remote")
      set(key, value);
  }
}

bool Flags::set(std::string_view name, std::string_view value) {
  if (name == "tcp.recv_buffer") name = "tcp.receive_buffer";  // as scripts have it
  const config::KeyPath path = config::resolve(name);
  if (path.key == nullptr || path.key->binding.store == nullptr) return false;
  const config::ParsedValue parsed = config::parse_value(*path.key, value);
  if (parsed.value) path.key->binding.store(settings, path.instance, *parsed.value);
  return parsed.value.has_value();
}

ShardParams Flags::shard_params() const {
  ShardParams params;
  params.tcp = settings.tcp;
  params.icmp = settings.icmp;
  // The gateway is always there: nothing about it may disturb a script's time.
  params.neighbor.reachable = 1'000'000s;
  params.neighbor.stale = 2'000'000s;
  params.neighbor.queue_packets = 1024;
  params.interface.mac = kOurMac;
  params.interface.mtu = mtu;
  params.interface.largest_received = 0xffff;
  // The tool's defaults, where neither a flag nor bind() says otherwise.
  std::vector<IpAddress> ours = locals;
  if (ours.empty()) ours = {*IpAddress::parse("192.168.0.1"), *IpAddress::parse("fd3d:fa7b:d17d::1")};
  for (const IpAddress& local : ours)
    params.interface.addresses.push_back({local, static_cast<uint8_t>(local.is_v4() ? 32 : 128)});
  params.interface.routes = {{{IpAddress::v4(0, 0, 0, 0), 0}, gateway_v4}, {{IpAddress(), 0}, gateway_v6}};
  params.memory = {.connections = 1024,
                   .syn_records = 256,
                   .time_wait_records = 256,
                   .buffer_bytes = 64ULL << 20,
                   .held_packets = 64,
                   .trace_segments = 0};
  return params;
}

}  // namespace millrace::packetdrill
