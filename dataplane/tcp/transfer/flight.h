// What a connection holds while octets of its are in flight, and no longer: the scoreboard, the phase of loss
// recovery, the tail loss probe and what undoing a reduction needs. A side block from tcp::Memory, which a
// request and its response do without: as long as everything outstanding was sent in one instant, once, and
// nothing of it has been acknowledged, TcbCold::last_sent_at tells all. Neighbour: loss_recovery.h, which
// moves it.
#pragma once

#include <cstdint>

#include "cc/controller.h"
#include "recovery/frto.h"
#include "recovery/prr.h"
#include "recovery/rack.h"
#include "recovery/scoreboard.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

enum class Phase : uint8_t {
  Open,      // nothing is known to be lost
  Recovery,  // fast recovery: until everything outstanding at its start is acknowledged
  Loss,      // after a time-out: everything outstanding at that time counts as lost
};

// Why something is due before the retransmission timer.
enum class Early : uint8_t {
  Nothing,
  Probe,       // tail loss probe (RFC 8985 §7.2)
  Reordering,  // the reordering window of a segment ends (RFC 8985 §6.2 step 5)
};

// How many a page holds: kPageBytes, kLargePageBytes or kHugePageBytes of them.
enum class Paging : uint8_t { Small, Large, Huge };

struct alignas(64) Flight {
  static constexpr uint16_t kRuns = 5;
  static constexpr uint8_t kDuplicateThreshold = 3;  // RFC 5681 §3.2

  // ---- first line: what every acknowledgement looks at
  recovery::Scoreboard board;
  Instant early_at = kNever;
  Early early = Early::Nothing;
  Phase phase = Phase::Open;
  uint8_t duplicate_acks = 0;
  recovery::Frto frto;
  bool probe_due = false;
  bool probe_outstanding = false;     // TLP.end_seq is set
  bool probe_retransmission = false;  // TLP.is_retrans
  bool can_undo = false;
  bool window_reduced = false;  // outside of recovery, and not again until SEG.ACK is past reduced_until
  Seq probe_end;  // TLP.end_seq
  Seq recover;    // SND.NXT when recovery or the time-out began (RFC 6582)
  // ---- while something is missing
  Seq reduced_until;
  recovery::Rack rack;
  recovery::Prr prr;
  bool dsack_round_on = false;
  bool resent = false;  // something has been sent again since undo_from
  Seq dsack_round;      // RACK.dsack_round
  Seq undo_from;        // SND.UNA when the reduction was made
  // Octets sent again since then less those reported as duplicates, by number and by sum of their sequence
  // numbers: both are 0 when the duplicates are those that were sent again, and no others (RFC 3708 §2 C).
  Bytes undo_octets = 0;
  uint32_t undo_sum = 0;
  uint32_t resent_ts = 0;  // TSval of the first of them
  cc::Controller before;   // congestion control before the reduction
  recovery::Run runs[kRuns];
  Block* block = nullptr;  // more runs, or
  void* page = nullptr;    // many more,
  Paging paging = Paging::Small;

  // Loss recovery wants to see every acknowledgement.
  bool busy() const {
    return phase != Phase::Open || duplicate_acks != 0 || board.sacked() != 0 || board.lost() != 0 ||
           probe_outstanding;
  }
};
static_assert(sizeof(Flight) <= kCellBytes);

// The block, which is taken when there is none: always there, for its number is bounded by that of the
// connections. What is outstanding after the SYN without one was sent at last_sent_at.
Flight& open_flight(Tcb& tcb);
void close_flight(Tcb& tcb);
// More room for runs, as long as memory lasts.
void grow_flight(Tcb& tcb);

// The sum of the sequence numbers of [begin, begin + octets), modulo 2^32 as they are.
inline uint32_t seq_sum(Seq begin, Bytes octets) {
  return static_cast<uint32_t>(uint64_t{begin.raw()} * octets + uint64_t{octets} * (octets - 1ULL) / 2);
}

// Octets thought to be in the network, as congestion control sees them.
inline Bytes in_flight(const Tcb& tcb) {
  return tcb.hot.flight != nullptr ? tcb.hot.flight->board.in_flight() : tcb.hot.snd_nxt - tcb.hot.snd_una;
}

// Everything outstanding was sent in one instant, which last_sent_at tells.
inline bool is_one_run(const Tcb& tcb) {
  return tcb.hot.flight == nullptr && tcb.hot.flags.syn_acked && tcb.hot.has_flight();
}

// Before anything leaves: of what left earlier the block has to tell from here on.
inline void renew_last_sent(Tcb& tcb, Instant now) {
  if (tcb.cold.last_sent_at == now) return;
  if (is_one_run(tcb)) open_flight(tcb);
  tcb.cold.last_sent_at = now;
}

// Octets up to SND.NXT, which has just moved, have left.
inline void note_sent(Tcb& tcb, Instant now) {
  if (is_one_run(tcb)) return;
  Flight& flight = open_flight(tcb);
  if (flight.board.room() == 0) [[unlikely]]
    grow_flight(tcb);
  flight.board.sent(tcb.hot.snd_nxt, now, tcb.cold.rtt.srtt() / 64);
}

}  // namespace millrace::tcp
