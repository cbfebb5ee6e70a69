// Segments become frames: with a connection's octets and its neighbour's address, or as a bare answer.
#include <cstring>

#include "shard/impl.h"
#include "tcp/close/reset.h"

namespace millrace::shard {

Packet Shard::Impl::take_packet() {
  if (spare) return std::move(spare);
  Packet packet = pool.allocate();
  if (!packet) counters.drop(DropReason::PacketPoolEmpty);
  return packet;
}

void Shard::Impl::push(Packet&& packet, PacketBatch& out) {
  const uint32_t octets = packet.length();
  if (!out.push(std::move(packet))) {
    packet.reset();
    return counters.drop(DropReason::TxQueueFull);
  }
  counters.tx_packets.add();
  counters.tx_bytes.add(octets);
}

void Shard::Impl::emit(app::Connection& connection, wire::Segment& segment, const tcp::PayloadRange& payload,
                       PacketBatch& out) {
  Packet packet = std::move(spare);
  tcp::Tcb& tcb = connection.tcb();
  segment.flow = {.local = connection.local(), .remote = connection.remote()};
  segment.dscp = tcp::setting(tcb, &ConnectionParams::dscp, params.tcp.dscp);
  segment.hop_limit = tcp::setting(tcb, &ConnectionParams::hop_limit, params.tcp.hop_limit);
  if (tcb.cold.settings.any()) [[unlikely]]
    apply_ip_settings(*tcb.cold.settings.operator->(), segment);
  const Family family = connection.remote().address.family();
  const uint32_t headers = wire::tcp_headers_length(family, segment.options, segment.flags.syn());
  if (payload.length != 0)
    tcb.cold.send.copy(payload.offset, payload.length, packet.data() + headers);
  else if (segment.payload_length != 0)
    std::memset(packet.data() + headers, 0, segment.payload_length);  // a keep-alive's garbage octet
  recorder.sent(now, segment, tcb.hot.key.local, tcb.hot.state());
  counters.tcp_segments_sent.add();
  if (segment.flags.rst()) counters.tcp_resets_sent.add();
  const MacAddress* mac = host.resolve(connection.remote().address, now);
  wire::build_segment(packet,
                      {.destination = mac != nullptr ? *mac : MacAddress(), .source = params.interface.mac},
                      segment, checksum);
  if (mac != nullptr)
    push(std::move(packet), out);
  else
    host.send(std::move(packet), connection.remote().address, now, out);
}

void Shard::Impl::apply_ip_settings(const ConnectionParams& own, wire::Segment& segment) {
  segment.priority = own.priority.value_or(0);
  segment.may_fragment = own.path_mtu_discovery == PathMtuDiscovery::Fragment;
  // RFC 6864 §4.3: one that does not come again soon, and of which nobody can guess the next.
  if (segment.may_fragment) segment.identification = static_cast<uint16_t>(entropy.next());
}

void Shard::Impl::reply(const wire::Frame& frame, wire::Segment& segment, tcp::State state,
                        PacketBatch& out) {
  Packet packet = take_packet();
  if (!packet) return;
  segment.flow = frame.tcp.flow;
  segment.dscp = params.tcp.dscp;
  segment.hop_limit = params.tcp.hop_limit;
  recorder.sent(now, segment, host.local_id(segment.flow.local.address), state);
  counters.tcp_segments_sent.add();
  wire::build_segment(packet, {.destination = frame.source_mac, .source = params.interface.mac}, segment,
                      checksum);
  push(std::move(packet), out);
}

void Shard::Impl::send_stateless(const wire::FlowAddress& flow, wire::Segment& segment, tcp::State state,
                                 PacketBatch& out) {
  Packet packet = take_packet();
  if (!packet) return;
  segment.flow = flow;
  segment.dscp = params.tcp.dscp;
  segment.hop_limit = params.tcp.hop_limit;
  recorder.sent(now, segment, host.local_id(flow.local.address), state);
  counters.tcp_segments_sent.add();
  const MacAddress* mac = host.resolve(flow.remote.address, now);
  wire::build_segment(packet,
                      {.destination = mac != nullptr ? *mac : MacAddress(), .source = params.interface.mac},
                      segment, checksum);
  if (mac != nullptr)
    push(std::move(packet), out);
  else
    host.send(std::move(packet), flow.remote.address, now, out);
}

void Shard::Impl::reply_reset(const wire::Frame& frame, tcp::State state, PacketBatch& out) {
  wire::Segment reset;
  if (!tcp::reset_for(frame.tcp, reset)) return;
  // RFC 9293 §3.10.7.1 has one for each: written deviation.
  if (!resets.take(now, params.tcp.resets_per_second)) return counters.tcp_resets_limited.add();
  counters.tcp_resets_sent.add();
  reply(frame, reset, state, out);
}

}  // namespace millrace::shard
