// Congestion control as the core sees it: events in, a window out. One class an algorithm, all behind this
// one; the choice is a tag and a switch, so that no call is virtual. Plain state that can be copied (a copy
// taken before a reduction is what undo() goes back to); it never sees the TCB. What is lost and what is sent
// again is recovery/'s. Neighbour: newreno.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"
#include "cc/newreno.h"
#include "cc/window.h"

namespace millrace::cc {

enum class Algorithm : uint8_t { NewReno };

class Controller {
 public:
  // ESTABLISHED: `smss` octets are a full segment; the initial window is that of RFC 6928 §2, at most
  // `segments`.
  void open(Algorithm algorithm, Bytes smss, uint32_t segments);

  // An acknowledgement of new data outside fast recovery; after a time-out too.
  void on_ack(const Ack& ack) {
    switch (algorithm_) {
      case Algorithm::NewReno:
        newreno_.on_ack(window_, ack);
        break;
    }
  }
  // Loss has been found: fast recovery begins. Sets ssthresh (RFC 5681 §3.2 step 2) and the window to it.
  void on_enter_recovery(Instant now, Bytes in_flight);
  // Everything outstanding when recovery began is acknowledged.
  void on_exit_recovery(Instant now);
  // The retransmission timer went off; `first`: not a repeated time-out of the same segment (RFC 5681 §3.1
  // (4)).
  void on_timeout(Instant now, Bytes in_flight, bool first);
  // An ECN echo, at most once a round trip (RFC 3168 §6.1.2).
  void on_ecn(Instant now, Bytes in_flight);
  // Nothing was sent for longer than the RTO (RFC 5681 §4.1).
  void on_idle_restart(Instant now, uint32_t segments);
  // The last reduction was for nothing (RFC 4015 §3.2, RFC 5682): the state before it is in force again.
  void undo(Instant now, const Controller& before);

  // Without SACK, fast recovery counts duplicate acknowledgements by an inflated window (RFC 5681 §3.2 step
  // 4), which a partial acknowledgement deflates (RFC 6582 §3.2 step 3).
  void inflate(Bytes by) { window_.grow(by); }
  void deflate(Bytes acked);
  // RFC 6582 §3.2 step 3, full acknowledgement, option 1: no burst of more than `flight` allows.
  void cap(Bytes flight) {
    window_.cwnd = std::min(window_.ssthresh, std::max(flight, window_.smss) + window_.smss);
  }

  // The path's MTU has changed: the window stays, in octets (RFC 4821 §7.4 leaves it to us).
  void set_smss(Bytes smss) { window_.smss = smss; }

  Algorithm algorithm() const { return algorithm_; }
  Bytes cwnd() const { return window_.cwnd; }
  Bytes ssthresh() const { return window_.ssthresh; }
  Bytes smss() const { return window_.smss; }
  // Octets a second at which segments may leave; 0: as fast as the window lets them.
  uint64_t pacing_rate(Micros srtt) const;
  // Proportional rate reduction (RFC 9937) steers the window in fast recovery, towards ssthresh(); an
  // algorithm that bounds its own flight says no.
  bool wants_prr() const { return true; }

 private:
  Window window_;
  Algorithm algorithm_ = Algorithm::NewReno;
  // The state of the one algorithm in use. Small enough to stay here; what is larger belongs into a block
  // that is taken on demand.
  union {
    NewReno newreno_ = {};
  };
};
static_assert(sizeof(Controller) <= 40, "app::Connection stays within eight lines");

}  // namespace millrace::cc
