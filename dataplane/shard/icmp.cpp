// What ICMP and the neighbour cache tell connections (RFC 9293 §3.9.2.2, RFC 1122 §4.2.3.9, RFC 5927).
#include "wire/icmp.h"
#include "shard/impl.h"
#include "tcp/transfer/path_mtu.h"

namespace millrace::shard {

namespace {

using tcp::SoftError;

SoftError error_of_unreachable4(uint8_t code) {
  namespace icmp4 = wire::icmp4;
  switch (code) {
    case icmp4::kNetUnreachable:
    case icmp4::kSourceRouteFailed:
      return SoftError::NetUnreachable;
    case icmp4::kProtocolUnreachable:
      return SoftError::ProtocolUnreachable;
    case icmp4::kPortUnreachable:
      return SoftError::PortUnreachable;
    case icmp4::kNetProhibited:
    case icmp4::kHostProhibited:
    case icmp4::kProhibited:
      return SoftError::Prohibited;
    default:
      return SoftError::HostUnreachable;
  }
}

SoftError error_of_unreachable6(uint8_t code) {
  namespace icmp6 = wire::icmp6;
  switch (code) {
    case icmp6::kNoRoute:
    case icmp6::kBeyondScope:
      return SoftError::NetUnreachable;
    case icmp6::kPortUnreachable:
      return SoftError::PortUnreachable;
    case icmp6::kProhibited:
    case icmp6::kPolicyFailed:
    case icmp6::kRouteRejected:
      return SoftError::Prohibited;
    default:
      return SoftError::HostUnreachable;
  }
}

SoftError error_of(const ip::TransportError& error) {
  namespace icmp4 = wire::icmp4;
  namespace icmp6 = wire::icmp6;
  const bool v4 = error.quoted.flow.local.address.is_v4();
  if (error.type == (v4 ? icmp4::kUnreachable : icmp6::kUnreachable))
    return v4 ? error_of_unreachable4(error.code) : error_of_unreachable6(error.code);
  if (error.type == (v4 ? icmp4::kTimeExceeded : icmp6::kTimeExceeded)) return SoftError::TimeExceeded;
  if (!v4 && error.code == icmp6::kUnrecognizedNextHeader) return SoftError::ProtocolUnreachable;
  return SoftError::ParameterProblem;
}

}  // namespace

// RFC 5927 §4: only for a segment in flight; a hard error ends nothing but an open (RFC 1122 §4.2.3.9
// amended).
void Shard::Impl::on_icmp_error(const ip::TransportError& error, Packet& packet, PacketBatch& out) {
  app::Connection* connection = shard.find(error.quoted.flow);
  if (connection == nullptr && shares_flows() && !handed_over && hand_over(error.quoted.flow, packet)) return;
  if (connection == nullptr) return counters.drop(DropReason::IcmpQuoteForeign);
  tcp::Tcb& tcb = connection->tcb();
  if (!error.quoted.seq.within(tcb.hot.snd_una, tcb.hot.snd_nxt - tcb.hot.snd_una))
    return counters.drop(DropReason::IcmpQuoteForeign);
  counters.icmp_errors_received.add();
  if (tcb.hot.state() == tcp::State::SynSent && tcb.cold.fast_open.used()) {
    tcp::fast_open_icmp_error(tcb, error.hint == ip::IcmpHint::PacketTooBig, context());
    make_ready(*connection);
  }
  const bool opening = tcb.hot.state() == tcp::State::SynSent ||
                       (tcb.hot.state() == tcp::State::SynReceived && tcb.hot.flags.active_open);
  if (error.hint == ip::IcmpHint::Refused && opening) {
    tcp::end(tcb, tcp::End::Refused);
    make_ready(*connection);
    leave(*connection, out);
  } else if (error.hint == ip::IcmpHint::PacketTooBig) {
    tcp::on_packet_too_big(tcb, error.quoted.seq, error.next_mtu, context());
    make_ready(*connection);
  } else if (error.hint == ip::IcmpHint::Unreachable || error.hint == ip::IcmpHint::Refused) {
    counters.icmp_soft_errors.add();
    tcp::note_soft_error(tcb, error_of(error), now);
    make_ready(*connection);
  }
}

// A neighbour that does not answer is a soft error too.
void Shard::Impl::note_unreachable(const IpAddress& address) {
  for (uint32_t i = 0; i < connections.extent(); ++i) {
    if (!connections.contains(i) || connections[i].links.detached) continue;
    if (connections[i].remote().address != address) continue;
    tcp::note_soft_error(connections[i].tcb(), tcp::SoftError::NeighborUnreachable, now);
    make_ready(connections[i]);
  }
}

}  // namespace millrace::shard
