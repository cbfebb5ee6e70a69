// Neighbour: icmp_input.h.
#include "ip/icmp_input.h"

#include <algorithm>
#include <array>

#include "ip/source_address.h"
#include "wire/bytes.h"
#include "wire/icmp.h"

namespace millrace::ip {

namespace {

constexpr uint16_t kLeastMtuV4 = 68;    // RFC 791 §3.2
constexpr uint16_t kLeastMtuV6 = 1280;  // RFC 8200 §5

// RFC 1122 §4.2.3.9, with RFC 792's codes 9, 10 and 13 read as refusals.
IcmpHint hint_of_unreachable4(uint8_t code) {
  namespace icmp4 = wire::icmp4;
  switch (code) {
    case icmp4::kProtocolUnreachable:
    case icmp4::kPortUnreachable:
    case icmp4::kNetProhibited:
    case icmp4::kHostProhibited:
    case icmp4::kProhibited:
      return IcmpHint::Refused;
    case icmp4::kFragmentationNeeded:
      return IcmpHint::PacketTooBig;
    default:
      return IcmpHint::Unreachable;
  }
}

IcmpHint hint_of_unreachable6(uint8_t code) {
  namespace icmp6 = wire::icmp6;
  switch (code) {
    case icmp6::kProhibited:
    case icmp6::kPortUnreachable:
    case icmp6::kPolicyFailed:
    case icmp6::kRouteRejected:
      return IcmpHint::Refused;
    default:
      return IcmpHint::Unreachable;
  }
}

// The hint of an error message; none: a type that says nothing to a transport.
std::optional<IcmpHint> hint_of(Family family, uint8_t type, uint8_t code) {
  namespace icmp4 = wire::icmp4;
  namespace icmp6 = wire::icmp6;
  if (family == Family::V4) {
    switch (type) {
      case icmp4::kUnreachable:
        return hint_of_unreachable4(code);
      case icmp4::kSourceQuench:
        return IcmpHint::SourceQuench;
      case icmp4::kTimeExceeded:
      case icmp4::kParameterProblem:
        return IcmpHint::Unreachable;
      default:
        return std::nullopt;
    }
  }
  switch (type) {
    case icmp6::kUnreachable:
      return hint_of_unreachable6(code);
    case icmp6::kPacketTooBig:
      return IcmpHint::PacketTooBig;
    case icmp6::kTimeExceeded:
      return IcmpHint::Unreachable;
    case icmp6::kParameterProblem:  // code 1 is what "protocol unreachable" is in IPv4
      return code == icmp6::kUnrecognizedNextHeader ? IcmpHint::Refused : IcmpHint::Unreachable;
    default:
      return std::nullopt;
  }
}

// RFC 1191 §7.1: what to try when an old router does not say: the next plateau below the packet that was too
// big.
uint16_t plateau_below(uint16_t length) {
  static constexpr std::array<uint16_t, 10> kPlateaus = {32000, 17914, 8166, 4352, 2002,
                                                         1492,  1006,  508,  296,  68};
  for (const uint16_t plateau : kPlateaus)
    if (plateau < length) return plateau;
  return 0;
}

// The MTU that a "packet too big" names; 0: one that must be discarded (RFC 1191 §3, RFC 8201 §4).
uint16_t next_mtu_of(const wire::Frame& frame) {
  const uint8_t* message = frame.message.data();
  if (frame.kind == wire::FrameKind::Icmp6) {
    const uint32_t mtu = wire::get32(message + 4);
    return mtu < kLeastMtuV6 ? uint16_t{0} : static_cast<uint16_t>(std::min<uint32_t>(mtu, 0xffff));
  }
  uint16_t mtu = wire::get16(message + 6);
  if (mtu == 0) mtu = plateau_below(wire::get16(message + wire::kIcmpHeader + 2));
  return mtu < kLeastMtuV4 ? uint16_t{0} : mtu;
}

}  // namespace

std::optional<TransportError> IcmpInput::receive(const wire::Frame& frame, PacketBatch& out) {
  if (!ends_valid(frame)) return std::nullopt;
  const Family family = frame.kind == wire::FrameKind::Icmp4 ? Family::V4 : Family::V6;
  const uint8_t type = frame.message[0];
  const uint8_t echo = family == Family::V4 ? wire::icmp4::kEchoRequest : wire::icmp6::kEchoRequest;
  if (type == echo)
    on_echo_request(frame, out);
  else if (wire::is_icmp_error(family, type))
    return on_error(frame);
  else
    counters_.drop(DropReason::IcmpUnwanted);
  return std::nullopt;
}

bool IcmpInput::ends_valid(const wire::Frame& frame) {
  const IpAddress& source = frame.source;
  if (source.is_unspecified() || local_.contains(source) || local_.is_subnet_broadcast(source)) {
    counters_.drop(DropReason::IpSourceInvalid);
    return false;
  }
  const IpAddress& destination = frame.destination;
  const bool group =
      destination.is_multicast() || destination.is_broadcast() || local_.is_subnet_broadcast(destination);
  if (!group && !local_.contains(destination)) {
    counters_.drop(DropReason::IpNotOurs);
    return false;
  }
  // RFC 1122 §3.2.2.6 lets echo requests to IPv4 groups go unanswered, and nothing else comes that way.
  if (group && (destination.is_v4() || !local_.in_group(destination))) {
    counters_.drop(DropReason::IcmpUnwanted);
    return false;
  }
  return true;
}

void IcmpInput::on_echo_request(const wire::Frame& frame, PacketBatch& out) {
  if (!params_.echo) return counters_.drop(DropReason::IcmpUnwanted);
  if (local_.contains(frame.destination)) return output_.send_echo_reply(frame, frame.destination, out);
  // RFC 4443 §4.2: a request to a group is answered from a unicast address.
  const IpAddress* next_hop = routes_.next_hop(frame.source);
  const auto source =
      next_hop != nullptr ? select_source(local_, frame.source, *next_hop) : std::optional<IpAddress>();
  if (!source) return counters_.drop(DropReason::NoRoute);
  output_.send_echo_reply(frame, *source, out);
}

std::optional<TransportError> IcmpInput::on_error(const wire::Frame& frame) {
  const Family family = frame.kind == wire::FrameKind::Icmp4 ? Family::V4 : Family::V6;
  const std::optional<IcmpHint> hint = hint_of(family, frame.message[0], frame.message[1]);
  if (!hint || !local_.contains(frame.destination)) {
    counters_.drop(DropReason::IcmpUnwanted);
    return std::nullopt;
  }
  TransportError error{
      .hint = *hint, .quoted = {}, .next_mtu = 0, .type = frame.message[0], .code = frame.message[1]};
  // RFC 5927 §4: what is quoted must be ours; the sequence number is for tcp/ to test.
  if (!wire::parse_icmp_quote(frame.message.subspan(wire::kIcmpHeader), family, error.quoted) ||
      error.quoted.flow.local.address != frame.destination) {
    counters_.drop(DropReason::IcmpQuoteForeign);
    return std::nullopt;
  }
  if (*hint == IcmpHint::PacketTooBig) {
    error.next_mtu = next_mtu_of(frame);
    if (error.next_mtu == 0) {
      counters_.drop(DropReason::IcmpMalformed);
      return std::nullopt;
    }
  }
  return error;
}

}  // namespace millrace::ip
