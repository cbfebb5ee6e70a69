// Explicit Congestion Notification (RFC 3168): who takes part is settled by the handshake's SYNs; then new
// data is ECN-capable, CE comes back as ECE, and ECE reduces the congestion window once a round trip.
// Neighbours: ecn_state.h, open/ (the SYNs), text.cpp, ack.cpp, output.cpp and loss_recovery.cpp, which call.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

namespace millrace::tcp {

// ---- the handshake (§6.1.1)

// A SYN that comes with ECT or CE has crossed a path that sets the field, and would of every segment: it asks
// for nothing.
inline bool is_ecn_setup_syn(const wire::Segment& syn) {
  constexpr uint8_t kSetup = wire::Flags::kEce | wire::Flags::kCwr;
  return (syn.flags.bits() & kSetup) == kSetup && syn.ecn == wire::kNotEct;
}
// Both bits together are those of a SYN, sent back by who knows no better.
inline bool is_ecn_setup_syn_ack(const wire::Segment& syn_ack) {
  constexpr uint8_t kSetup = wire::Flags::kEce | wire::Flags::kCwr;
  return (syn_ack.flags.bits() & kSetup) == wire::Flags::kEce;
}
// The SYN asks for nothing from here on.
inline void refuse_ecn(wire::Segment& syn) {
  syn.flags = wire::Flags(syn.flags.bits() & ~(wire::Flags::kEce | wire::Flags::kCwr));
}
// The bits of our SYN, or of our SYN-ACK, as it leaves.
void set_up_ecn(Tcb& tcb, const TcpParams& params, wire::Segment& syn);
// SYN-SENT: the peer's SYN-ACK has come, or its SYN.
void agree_on_ecn(Tcb& tcb, const wire::Segment& syn);
// SYN-RECEIVED with a TCB: the peer's SYN has come again, and may be without by now (§6.1.1.1).
[[gnu::cold]] void hear_syn_again(Tcb& tcb, const wire::Segment& syn);

// ---- the receiver (§6.1.3)

// Text that lies within the window.
void take_ecn_field(Tcb& tcb, const wire::Segment& segment, const Context& context);
// ECE, on all that acknowledges, as long as the echo lasts.
inline void echo_ce(Ecn& ecn, wire::Segment& segment) {
  segment.flags = segment.flags | wire::kEce;
  ecn.echoed();
}

// ---- the sender (§6.1.2)

inline bool is_ecn_echo(const Tcb& tcb, const wire::Segment& segment) {
  return (segment.flags.bits() & wire::Flags::kEce) != 0 && tcb.hot.ecn.sends_ect();
}
// An acknowledgement with ECE, SND.UNA still as before it.
[[gnu::cold]] void on_ecn_echo(Tcb& tcb, Seq ack, const Context& context);
// No further reduction until what is sent by now is acknowledged.
void begin_reduced_window(Tcb& tcb);
// The window that SND.UNA lies in has been reduced already.
bool is_window_reduced(const Tcb& tcb);

// What became of ECN on the connection so far.
EcnCounts ecn_counts(const Tcb& tcb);

}  // namespace millrace::tcp
