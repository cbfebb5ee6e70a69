// ICMP (RFC 792) and ICMPv6 (RFC 4443) messages: numbers, building, and what an error quotes. Neighbours:
// arp_nd.h for neighbour discovery; ip/icmp_input and ip/icmp_output for what is done with them.
#pragma once

#include <cstdint>
#include <span>

#include "base/address.h"
#include "base/packet.h"
#include "wire/build.h"

namespace millrace::wire {

inline constexpr uint32_t kIcmpHeader = 8;

namespace icmp4 {
inline constexpr uint8_t kEchoReply = 0, kUnreachable = 3, kSourceQuench = 4, kEchoRequest = 8,
                         kTimeExceeded = 11, kParameterProblem = 12;
inline constexpr uint8_t kNetUnreachable = 0, kHostUnreachable = 1, kProtocolUnreachable = 2,
                         kPortUnreachable = 3, kFragmentationNeeded = 4, kSourceRouteFailed = 5,
                         kNetProhibited = 9, kHostProhibited = 10, kProhibited = 13;
}  // namespace icmp4

namespace icmp6 {
inline constexpr uint8_t kUnreachable = 1, kPacketTooBig = 2, kTimeExceeded = 3, kParameterProblem = 4,
                         kEchoRequest = 128, kEchoReply = 129, kMldQuery = 130, kMldReport = 131, kMldDone = 132,
                         kRouterSolicit = 133, kRouterAdvert = 134, kNeighborSolicit = 135, kNeighborAdvert = 136,
                         kRedirect = 137, kMld2Report = 143;
inline constexpr uint8_t kNoRoute = 0, kProhibited = 1, kBeyondScope = 2, kAddressUnreachable = 3,
                         kPortUnreachable = 4, kPolicyFailed = 5, kRouteRejected = 6;
inline constexpr uint8_t kErroneousHeader = 0, kUnrecognizedNextHeader = 1, kUnrecognizedOption = 2;
// RFC 4443 §2.1: the highest bit of an error's type is 0.
constexpr bool is_error(uint8_t type) { return type < 128; }
}  // namespace icmp6

// Whether this type is an error message, about which no error may be sent (RFC 1122 §3.2.2).
constexpr bool is_icmp_error(Family family, uint8_t type) {
  if (family == Family::V6) return icmp6::is_error(type);
  return type == icmp4::kUnreachable || type == icmp4::kSourceQuench || type == 5 ||
         type == icmp4::kTimeExceeded || type == icmp4::kParameterProblem;
}

// Whether an IP packet carries an ICMP error, looked for behind any extension headers. In doubt: yes.
bool carries_icmp_error(std::span<const uint8_t> packet, Family family);

struct IcmpMessage {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t rest = 0;                   // the second word of the header: identifier and sequence, MTU, pointer
  std::span<const uint8_t> body = {};  // what follows the header's 8 octets
};

struct IpHeaderFields {
  IpAddress source;
  IpAddress destination;
  uint8_t hop_limit = 64;
};

// Writes a whole ICMP or ICMPv6 frame (the addresses say which) with its checksums. False: it does not fit
// into the packet, which is left empty.
bool build_icmp(Packet& packet, const LinkHeader& link, const IpHeaderFields& ip, const IcmpMessage& message);

}  // namespace millrace::wire
