#include "tcp/open/negotiation.h"

#include <algorithm>

namespace millrace::tcp {

Mss mss_for_mtu(uint16_t mtu, Family family) {
  const uint32_t headers = family == Family::V4 ? 40 : 60;
  return Mss(static_cast<uint16_t>(mtu > headers ? mtu - headers : 0));
}

wire::TcpOptions offer(Mss our_mss, Bytes receive_buffer, const TcpParams& params) {
  wire::TcpOptions options;
  options.mss = our_mss;
  if (params.window_scaling) options.window_scale = scale_for(std::max(receive_buffer, params.receive_buffer_max));
  if (params.timestamps) options.timestamps = wire::Timestamps{};
  options.sack_permitted = params.sack;
  return options;
}

wire::TcpOptions answer(const wire::TcpOptions& offered, Mss our_mss, Bytes receive_buffer,
                        const TcpParams& params) {
  wire::TcpOptions options = offer(our_mss, receive_buffer, params);
  if (!offered.window_scale) options.window_scale.reset();
  if (!offered.timestamps) options.timestamps.reset();
  options.sack_permitted = options.sack_permitted && offered.sack_permitted;
  return options;
}

void agree(Tcb& tcb, const wire::TcpOptions& ours, const wire::TcpOptions& theirs, Family family) {
  TcbHot& hot = tcb.hot;
  TcbCold& cold = tcb.cold;
  hot.flags.timestamps = ours.timestamps && theirs.timestamps;
  if (hot.flags.timestamps) hot.ts_recent = theirs.timestamps->value;
  hot.flags.sack = ours.sack_permitted && theirs.sack_permitted;
  const bool scaled = ours.window_scale && theirs.window_scale;
  cold.scaling = scaled;
  hot.rcv_scale = scaled ? *ours.window_scale : WindowScale(0);
  hot.snd_scale = scaled ? *theirs.window_scale : WindowScale(0);
  // RFC 9293 §3.7.1: without the option 536 (IPv4) or 1220 (IPv6).
  cold.peer_mss = theirs.mss.value_or(family == Family::V4 ? kDefaultMssV4 : kDefaultMssV6);
  const uint16_t limit = std::max(kSmallestMss, std::min(cold.peer_mss.octets(), cold.our_mss.octets()));
  hot.mss = static_cast<uint16_t>(limit - (hot.flags.timestamps ? kTimestampOctets : 0));
}

void clamp_mss(Tcb& tcb, Mss most) {
  const uint16_t room = std::max(kSmallestMss, most.octets());
  const auto payload = static_cast<uint16_t>(room - (tcb.hot.flags.timestamps ? kTimestampOctets : 0));
  tcb.hot.mss = std::min(tcb.hot.mss, payload);
  tcb.cold.our_mss = Mss(std::min(tcb.cold.our_mss.octets(), room));
}

}  // namespace millrace::tcp
