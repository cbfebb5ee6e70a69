// Loss recovery of one connection: SACK (RFC 2018, 2883), RACK-TLP (RFC 8985), PRR (RFC 9937), F-RTO (RFC
// 5682), undo (RFC 4015, RFC 3708) and, where the peer has no SACK, fast recovery by duplicate
// acknowledgements (RFC 5681, 6582, 3042). What recovery/ holds as plain state is joined here with
// congestion control. Neighbours: ack.h calls it for every acknowledgement that is not an ordinary one,
// timers.h when time is up; output.h asks it what is to be sent again.
#pragma once

#include "tcp/context.h"
#include "tcp/tcb.h"
#include "tcp/transfer/flight.h"
#include "wire/segment.h"

namespace millrace::tcp {

// An acknowledgement while there is a Flight, SND.UNA still as before it. Returns the round trip that it
// tells of; 0: none.
Micros recover_by_ack(Tcb& tcb, const wire::Segment& segment, bool duplicate, const Context& context);

// The retransmission timer went off: everything outstanding counts as lost.
void recover_by_timeout(Tcb& tcb, const Context& context);

// PTO of RFC 8985 §7.2, counted from the latest transmission or acknowledgement.
inline Micros probe_timeout(const Tcb& tcb) {
  constexpr Micros kLeast = 10ms;        // finer would cost more timers than tails are worth
  constexpr Micros kDelayedAck = 200ms;  // TLP.max_ack_delay of a peer of whom nothing is known
  const Micros wait = tcb.cold.rtt.has_sample() ? std::max(kLeast, 2 * tcb.cold.rtt.srtt()) : Micros(1s);
  return tcb.hot.snd_nxt - tcb.hot.snd_una <= tcb.hot.mss ? wait + kDelayedAck : wait;
}

// When something is due before the retransmission timer; kNever.
inline Instant early_deadline(const Tcb& tcb) {
  const TcbHot& hot = tcb.hot;
  if (hot.flight != nullptr) return hot.flight->early_at;
  if (!is_one_run(tcb) || !hot.flags.sack || hot.snd_wnd == 0) return kNever;
  return earlier(tcb.cold.last_sent_at + probe_timeout(tcb), hot.rtx_deadline);
}

// What was due before the retransmission timer is due.
void on_early_deadline(Tcb& tcb, const Context& context);

// All that is in flight goes again, without being taken for congestion: a window that was closed has opened,
// or nothing was to be had of it before the handshake had ended.
void resend_all(Tcb& tcb);
// The same for what counts as lost.
void resend_lost(Tcb& tcb);

// RFC 8985 §7.2: after new data was sent, or acknowledged.
void schedule_probe(Tcb& tcb, Instant now);

// [begin, end) has been sent again.
void note_resent(Tcb& tcb, Seq begin, Seq end, const Context& context);

// RFC 3042: octets by which the first two duplicate acknowledgements let new data exceed the window.
inline Bytes limited_transmit(const Tcb& tcb) {
  const Flight* flight = tcb.hot.flight;
  if (flight == nullptr || flight->duplicate_acks == 0 || flight->phase != Phase::Open) return 0;
  return std::min<Bytes>(flight->duplicate_acks, 2) * tcb.hot.mss;
}

}  // namespace millrace::tcp
