// The two segments that ESTABLISHED nearly always receives: the next data, or an acknowledgement of ours.
// Everything else goes through the ordered steps.
#pragma once

#include "base/packet.h"
#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

enum class Prediction : uint8_t { None, PureAck, InOrderData };

// For ESTABLISHED alone.
inline Prediction predict(const TcbHot& hot, const wire::Segment& segment) {
  constexpr uint8_t kOrdinary = wire::Flags::kAck | wire::Flags::kPsh;
  const uint8_t bits = segment.flags.bits();
  if ((bits & ~wire::Flags::kPsh) != wire::Flags::kAck || (bits & ~kOrdinary) != 0) return Prediction::None;
  if (segment.seq != hot.rcv_nxt || hot.flags.unpredictable) return Prediction::None;
  if (!hot.ecn.is_ordinary(segment.ecn)) return Prediction::None;
  if (segment.window == WireWindow(0) || hot.snd_wnd == 0)
    return Prediction::None;  // probes are the slow path's
  if (hot.flags.timestamps != segment.options.timestamps.has_value()) return Prediction::None;
  if (segment.options.sack_count != 0 || segment.options.user_timeout != 0) return Prediction::None;
  if (hot.flags.timestamps && static_cast<int32_t>(segment.options.timestamps->value - hot.ts_recent) < 0)
    return Prediction::None;
  if (segment.payload_length == 0) {
    const bool advances = hot.snd_una.before(segment.ack) && segment.ack.before_or_at(hot.snd_nxt);
    return advances ? Prediction::PureAck : Prediction::None;
  }
  const bool fits = segment.ack == hot.snd_una && segment.payload_length <= hot.rcv_wnd();
  return fits ? Prediction::InOrderData : Prediction::None;
}

Verdict take_pure_ack(Tcb& tcb, const wire::Segment& segment, const Context& context);
Verdict take_in_order_data(Tcb& tcb, const wire::Segment& segment, Packet& packet, const Context& context);

}  // namespace millrace::tcp
