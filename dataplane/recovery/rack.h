// RACK (RFC 8985 §6): a segment is lost when one that was sent after it has arrived, and a reordering window
// has passed. Plain state; what becomes of each octet is the scoreboard's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "recovery/scoreboard.h"

namespace millrace::recovery {

// What a connection has learnt of its path's reordering; outlives what is in flight.
struct Reordering {
  static constexpr uint8_t kPersistence = 16;  // recoveries without a D-SACK (RFC 8985 §6.2 step 4)
  bool seen = false;
  uint8_t multiplier = 1;  // of a quarter of the least round trip
  uint8_t persistence = 0;
  uint8_t degree = 3;  // by how many segments one came late, at most; nothing but told

  void on_duplicate() {
    if (multiplier < 255) ++multiplier;
    persistence = kPersistence;
  }
  void on_recovered() {
    if (persistence > 0 && --persistence == 0) multiplier = 1;
  }
};

class Rack {
 public:
  void open(Seq snd_una) {
    *this = Rack();
    end_ = fack_ = snd_una;
  }

  // Steps 1 to 3. `echoed_at`: when the segment left that caused this acknowledgement, to the millisecond,
  // if timestamps tell; kNever: they do not.
  void on_arrival(const Arrival& arrival, Instant now, Micros min_rtt, Instant echoed_at,
                  Reordering& reordering) {
    if (arrival.end.after(fack_))
      fack_ = arrival.end;
    else if (arrival.end.before(fack_) && !arrival.retransmitted)
      reordering.seen = true;
    const Micros rtt = now - arrival.sent_at;
    // Step 2: it may be an earlier copy that has arrived.
    if (arrival.retransmitted && (rtt < min_rtt || is_earlier_copy(arrival, echoed_at))) return;
    if (!is_after(arrival.sent_at, arrival.end, sent_at_, end_)) return;
    sent_at_ = arrival.sent_at;
    end_ = arrival.end;
    rtt_ = rtt;
  }

  // How far behind the highest octet that has arrived a segment begins that was sent once; 0: it is not late.
  Bytes late_by(const Arrival& arrival) const {
    return !arrival.retransmitted && arrival.end.before(fack_) ? fack_ - arrival.begin : 0;
  }

  // Step 4. `impatient`: recovery is on, or DupThresh segments are SACKed.
  static Micros window(const Reordering& reordering, bool impatient, Micros min_rtt, Micros srtt) {
    if (!reordering.seen && impatient) return 0us;
    return std::min(reordering.multiplier * min_rtt / 4, srtt);
  }

  // Step 5: marks what is lost. Returns how long until the next one will be; 0: none is in question. (The
  // RFC waits for the last of them; nothing is gained by letting the others wait with it.)
  // on_lost(const Run&, Seq end) is called for each run before that.
  template <typename F>
  Micros detect(Scoreboard& board, Instant now, Micros window, F&& on_lost) const;
  Micros detect(Scoreboard& board, Instant now, Micros window) const;

 private:
  static bool is_after(Instant at, Seq end, Instant other_at, Seq other_end) {
    return at > other_at || (at == other_at && end.after(other_end));
  }
  static bool is_earlier_copy(const Arrival& arrival, Instant echoed_at) {
    return echoed_at != kNever && echoed_at < std::chrono::floor<std::chrono::milliseconds>(arrival.sent_at);
  }

  Instant sent_at_{};  // RACK.xmit_ts: of the segment sent last among those that have arrived
  Micros rtt_{};       // RACK.rtt: its round trip
  Seq end_;            // RACK.end_seq
  Seq fack_;           // the highest octet that has arrived
};

template <typename F>
Micros Rack::detect(Scoreboard& board, Instant now, Micros window, F&& on_lost) const {
  Micros wait{};
  for (uint16_t i = 0; i < board.size(); ++i) {
    const Run& run = board.run(i);
    if (run.fate != Fate::InFlight || !is_after(sent_at_, end_, run.sent_at, board.run_end(i))) continue;
    const Micros remaining = run.sent_at + rtt_ + window - now;
    if (remaining <= 0us) {
      on_lost(run, board.run_end(i));
      board.mark_lost(i);
    } else if (wait == 0us || remaining < wait) {
      wait = remaining;
    }
  }
  return wait;
}

}  // namespace millrace::recovery
