// Neighbour: icmp_output.h.
#include "ip/icmp_output.h"

#include <algorithm>

#include "ip/link_messages.h"
#include "wire/bytes.h"

namespace millrace::ip {

void IcmpOutput::send_echo_reply(const wire::Frame& request, const IpAddress& source, PacketBatch& out) {
  const bool v4 = source.is_v4();
  const wire::IcmpMessage reply{.type = v4 ? wire::icmp4::kEchoReply : wire::icmp6::kEchoReply,
                                .code = 0,
                                .rest = wire::get32(request.message.data() + 4),
                                .body = request.message.subspan(wire::kIcmpHeader)};
  if (send(request, source, reply, out)) counters_.icmp_echo_replies_sent.add();
}

// RFC 1122 §3.2.2, RFC 4443 §2.4 (e). RFC 8200 §4.2 would have some errors sent about group destinations too;
// an endpoint gains nothing by it and would amplify.
bool IcmpOutput::may_complain(const wire::Frame& frame) const {
  if (frame.network.empty() || frame.to_group) return false;
  const IpAddress& source = frame.source;
  if (source.is_unspecified() || source.is_multicast() || source.is_broadcast() || source.is_loopback() ||
      local_.contains(source) || local_.is_subnet_broadcast(source))
    return false;
  if (!local_.contains(frame.destination)) return false;
  if (frame.kind == wire::FrameKind::Dropped && frame.reason == DropReason::IpFragment) return false;
  return !wire::carries_icmp_error(frame.network, source.family());
}

void IcmpOutput::send_error(const wire::Frame& frame, uint8_t type, uint8_t code, Instant now,
                            PacketBatch& out) {
  if (!may_complain(frame)) return;
  if (!errors_.take(now)) return counters_.icmp_errors_limited.add();
  const bool v4 = frame.source.is_v4();
  // RFC 1812 §4.3.2.3 and RFC 4443 §2.4 (c): as much of the packet as fits below what every link carries.
  const size_t quoted = v4 ? 576 - 20 - wire::kIcmpHeader : 1280 - 40 - wire::kIcmpHeader;
  uint32_t rest = 0;
  if (v4 && type == wire::icmp4::kParameterProblem) rest = uint32_t{frame.error_pointer} << 24;
  if (!v4 && type == wire::icmp6::kParameterProblem) rest = frame.error_pointer;
  const wire::IcmpMessage message{.type = type,
                                  .code = code,
                                  .rest = rest,
                                  .body = frame.network.first(std::min(frame.network.size(), quoted))};
  if (send(frame, frame.destination, message, out)) counters_.icmp_errors_sent.add();
}

bool IcmpOutput::send(const wire::Frame& about, const IpAddress& source, const wire::IcmpMessage& message,
                      PacketBatch& out) {
  // Stateless: back to where the frame came from, no resolution on a stranger's account.
  const wire::LinkHeader link{.destination = about.source_mac, .source = interface_.mac};
  Packet packet = pool_.allocate();
  if (!packet || !wire::build_icmp(packet, link, {.source = source, .destination = about.source}, message)) {
    counters_.drop(DropReason::PacketPoolEmpty);
    return false;
  }
  return emit(std::move(packet), out, counters_);
}

}  // namespace millrace::ip
