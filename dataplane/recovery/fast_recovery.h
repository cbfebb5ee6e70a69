// What has been lost and what to send again: duplicate acknowledgements, fast retransmit and fast recovery of
// RFC 5681 §3.2 with the partial acknowledgements of RFC 6582, and the restart after a time-out. Plain state
// over sequence numbers; the congestion window is cc/'s, the bytes are the send queue's.
#pragma once

#include <cstdint>

#include "base/seq.h"
#include "base/units.h"

namespace millrace::recovery {

enum class Phase : uint8_t {
  Open,      // nothing is known to be lost
  Recovery,  // fast recovery: until everything outstanding at its start is acknowledged
  Loss,      // after a time-out: everything outstanding at that time counts as lost
};

enum class AckEffect : uint8_t {
  Advance,  // ordinary
  Partial,  // fast recovery goes on, the next hole is at SND.UNA (RFC 6582 §3.2 step 3)
  Full,     // fast recovery has ended
};

class FastRecovery {
 public:
  static constexpr uint8_t kDuplicateThreshold = 3;  // RFC 5681 §3.2

  void open(Seq iss) { recover_ = retransmit_next_ = retransmit_end_ = iss; }

  // A duplicate acknowledgement. True: the third one, and fast retransmit is due (RFC 6582 §3.2 step 2).
  bool on_duplicate_ack(Seq snd_una);
  // Fast retransmit: one segment at `snd_una`, recovery until `snd_nxt`.
  void enter_recovery(Seq snd_una, Seq snd_nxt, Bytes segment);
  // SND.UNA advances to `ack`.
  AckEffect on_advance(Seq ack, Seq snd_nxt, Bytes segment);
  // The retransmission timer went off: all of [snd_una, snd_nxt) is lost.
  void on_timeout(Seq snd_una, Seq snd_nxt);
  // [from, to) must be sent again without a change of phase: a window probe that was refused, a repeated SYN.
  void mark_lost(Seq from, Seq to) {
    retransmit_next_ = from;
    retransmit_end_ = to;
  }

  bool has_lost() const { return retransmit_next_.before(retransmit_end_); }
  Seq lost_begin() const { return retransmit_next_; }
  Seq lost_end() const { return retransmit_end_; }
  void retransmitted(Seq end) { retransmit_next_ = end; }

  // Octets in flight: what lies behind the retransmission cursor has left the network in the Loss phase.
  Bytes in_flight(Seq snd_una, Seq snd_nxt) const {
    return phase_ == Phase::Loss && has_lost() ? retransmit_next_ - snd_una : snd_nxt - snd_una;
  }
  Phase phase() const { return phase_; }
  uint8_t duplicate_acks() const { return duplicate_acks_; }

 private:
  Seq recover_;          // RFC 6582: the highest sequence number sent when recovery began
  Seq retransmit_next_;  // [next, end): lost, not sent again yet
  Seq retransmit_end_;
  Phase phase_ = Phase::Open;
  uint8_t duplicate_acks_ = 0;
};

}  // namespace millrace::recovery
