// The ordered steps of RFC 9293 §3.10.7.4, each in the room of its concern. A step that ends the processing
// returns the verdict; the next one runs otherwise.
#pragma once

#include <optional>

#include "base/packet.h"
#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

using Step = std::optional<Verdict>;
inline constexpr Step kNextStep = std::nullopt;

// First: sequence number, with PAWS before it; trims to the window (transfer/acceptance.cpp).
Step check_sequence(Tcb& tcb, wire::Segment& segment, const Context& context);
// Second: RST (close/reset.cpp).
Step check_rst(Tcb& tcb, const wire::Segment& segment, const Context& context);
// Fourth: SYN (open/handshake.cpp).
Step check_syn(Tcb& tcb, const wire::Segment& segment, const Context& context);
// Fifth: ACK (transfer/ack.cpp), with what an acknowledged FIN brings about (close/close.cpp).
Step check_ack(Tcb& tcb, const wire::Segment& segment, const Context& context);
// Sixth: URG (transfer/urgent.cpp).
void check_urg(Tcb& tcb, const wire::Segment& segment);
// Seventh: text (transfer/text.cpp).
Step process_text(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context);
// Eighth: FIN (close/close.cpp).
void check_fin(Tcb& tcb, const wire::Segment& segment);

}  // namespace millrace::tcp
