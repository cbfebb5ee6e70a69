// IPv6 extension headers: skipped where RFC 8200 §4 lets a host do so, rejected where they ask for more than
// that. Neighbour: ip6.cpp, whose fast path never comes here.
#include "wire/bytes.h"
#include "wire/icmp.h"
#include "wire/layers.h"

namespace millrace::wire {

namespace {

constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51, kNoNextHeader = 59,
                  kDestinationOptions = 60;
// RFC 8504 §5.3 allows a limit; no honest sender comes near it.
constexpr int kMaxHeaders = 8;

uint16_t offset_of(const Frame& frame, const uint8_t* at) {
  return static_cast<uint16_t>(at - frame.network.data());
}

// RFC 8200 §4.2: what to do with an option that we do not know stands in the two highest bits of its type.
bool accept_options(std::span<const uint8_t> options, Frame& frame) {
  constexpr uint8_t kPad1 = 0, kPadN = 1, kRouterAlert = 5;
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t type = options[at];
    if (type == kPad1) {
      ++at;
      continue;
    }
    if (options.size() - at < 2 || options[at + 1] > options.size() - at - 2)
      return refuse(frame, DropReason::Ip6ExtensionMalformed);
    // RFC 2711 §2.1; the value of MLD is 0.
    if (type == kRouterAlert && options[at + 1] == 2 && get16(&options[at + 2]) == 0) frame.router_alert = true;
    const int action = type >> 6;
    if (type != kPadN && action != 0) {
      if (action == 1) return refuse(frame, DropReason::Ip6ExtensionRejected);
      return refuse(frame, DropReason::Ip6ExtensionRejected, icmp6::kParameterProblem,
                    icmp6::kUnrecognizedOption, offset_of(frame, &options[at]));
    }
    at += size_t{2} + options[at + 1];
  }
  return true;
}

bool accept_routing(const uint8_t* header, Frame& frame) {
  if (header[3] == 0) return true;
  // RFC 8200 §4.4, RFC 5095 §3: with segments left it asks us to forward, which a host does not do.
  return refuse(frame, DropReason::Ip6ExtensionRejected, icmp6::kParameterProblem, icmp6::kErroneousHeader,
                offset_of(frame, header + 2));
}

}  // namespace

[[gnu::cold]] bool skip_ip6_extensions(Frame& frame, IpPayload& out) {
  for (int count = 0;; ++count) {
    switch (out.protocol) {
      case kHopByHop:
        // RFC 8200 §4.3: only right behind the fixed header; elsewhere the value is not recognised (§4).
        if (count != 0)
          return refuse(frame, DropReason::Ip6ExtensionRejected, icmp6::kParameterProblem,
                        icmp6::kUnrecognizedNextHeader, out.protocol_at);
        break;
      case kRouting:
      case kDestinationOptions:
        break;
      case kFragment:
        // The written deviation covers atomic fragments too (RFC 8021 has deprecated them).
        return refuse(frame, DropReason::IpFragment);
      case kAuthentication:  // not to be skipped unverified
        return refuse(frame, DropReason::Ip6ExtensionRejected, icmp6::kParameterProblem,
                      icmp6::kUnrecognizedNextHeader, out.protocol_at);
      case kNoNextHeader:  // RFC 8200 §4.7: nothing follows, nothing to complain of
        return refuse(frame, DropReason::IpProtocolUnknown);
      default:
        return true;
    }
    if (count == kMaxHeaders || out.bytes.size() < 8) return refuse(frame, DropReason::Ip6ExtensionMalformed);
    const uint8_t* header = out.bytes.data();
    const size_t length = (size_t{header[1]} + 1) * 8;
    if (length > out.bytes.size()) return refuse(frame, DropReason::Ip6ExtensionMalformed);
    const bool accepted = out.protocol == kRouting ? accept_routing(header, frame)
                                                   : accept_options(out.bytes.subspan(2, length - 2), frame);
    if (!accepted) return false;
    out.protocol = header[0];
    out.protocol_at = offset_of(frame, header);
    out.bytes = out.bytes.subspan(length);
  }
}

}  // namespace millrace::wire
