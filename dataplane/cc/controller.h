// Congestion control as the core sees it: events in, a window out. One class an algorithm, all behind this
// one; the choice is a tag and a switch, so that no call is virtual. Plain state that can be copied (a copy
// taken before a reduction is what undo() goes back to); it never sees the TCB. What is lost and what is sent
// again is recovery/'s. BBR's model is larger than the room here and lives in a block of the connection's, to which
// this holds the way. Neighbours: newreno.h, cubic.h, bbr.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"
#include "cc/cubic.h"
#include "cc/newreno.h"
#include "cc/window.h"

namespace millrace::cc {

// "newreno", as the key tcp.congestion_control has it.
std::string_view name_of(Algorithm algorithm);

class Bbr;

class Controller {
 public:
  Controller() : newreno_() {}

  // ESTABLISHED: `smss` octets are a full segment; the initial window is that of RFC 6928 §2, at most
  // `segments`. With Bbr a `model`, which the caller keeps as long as that algorithm is in use.
  void open(Algorithm algorithm, uint16_t smss, uint32_t segments, Bbr* model = nullptr);
  // Another algorithm goes on with the window as it is.
  void choose(Algorithm algorithm, Bbr* model = nullptr);
  // nullptr: the algorithm has none.
  Bbr* model() const {
    if (window_.algorithm != Algorithm::Bbr) return nullptr;
    Bbr* model;
    std::memcpy(&model, model_, sizeof model);
    return model;
  }

  // An acknowledgement of new data outside fast recovery; after a time-out too. A window that is not in use
  // does not grow (RFC 9438 §5.8, RFC 7661 §4.3). A model is told of each that tells of arrivals.
  void on_ack(const Ack& ack) {
    if (window_.algorithm == Algorithm::Bbr) return ack_model(ack);
    if (ack.ecn_echo || (ack.app_limited && window_.slow_start())) return;
    switch (window_.algorithm) {
      case Algorithm::NewReno:
        if (!ack.app_limited) newreno_.on_ack(window_, ack);
        break;
      case Algorithm::Cubic:
        cubic_.on_ack(window_, ack);
        break;
      case Algorithm::Bbr:
        break;
    }
  }
  // What a model is told besides. `octets` leave, `in_flight` with them; before their pace is asked for.
  void on_sent(Instant now, Bytes octets, Bytes in_flight, Micros srtt);
  // [begin, end), which left at `sent_at`, counts as lost.
  void on_lost(Instant now, Instant sent_at, Seq begin, Seq end, bool sack);
  // Loss has been found: fast recovery begins. Sets ssthresh (RFC 5681 §3.2 step 2) and the window to it.
  void on_enter_recovery(Instant now, Bytes in_flight);
  // A tail loss probe has repaired a loss (RFC 8985 §7.4.2): what fast recovery would have done to the window.
  void on_tail_loss(Instant now, Bytes in_flight);
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
    window_.cwnd = std::min(window_.ssthresh, std::max<Bytes>(flight, window_.smss) + window_.smss);
  }

  // The path's MTU has changed: the window stays, in octets (RFC 4821 §7.4 leaves it to us).
  void set_smss(uint16_t smss) { window_.smss = smss; }

  Algorithm algorithm() const { return window_.algorithm; }
  bool slow_start() const { return window_.slow_start(); }
  Bytes cwnd() const { return window_.cwnd; }
  Bytes ssthresh() const { return window_.ssthresh; }
  Bytes smss() const { return window_.smss; }
  // Octets a second at which segments leave where they are paced; 0: as fast as the window lets them, for want of a
  // round trip.
  uint64_t pacing_rate(Micros srtt) const;
  // Whether or not it is asked for.
  bool always_paced() const { return window_.algorithm == Algorithm::Bbr; }
  // Proportional rate reduction (RFC 9937) steers the window in fast recovery, towards ssthresh(); an
  // algorithm that bounds its own flight says no.
  bool wants_prr() const { return window_.algorithm != Algorithm::Bbr; }

 private:
  void start_algorithm(Bbr* model);
  void ack_model(const Ack& ack);
  // Sets ssthresh.
  void on_congestion(Bytes in_flight);

  Window window_;
  // The state of the one algorithm in use. Small enough to stay here; what is larger belongs into a block
  // that is taken on demand.
  union {
    NewReno newreno_;
    Cubic cubic_;
    unsigned char model_[sizeof(Bbr*)];  // unaligned, for the sake of its neighbours' room
  };
};
static_assert(sizeof(Controller) <= 40 && alignof(Controller) == 4, "app::Connection stays within eight lines");
static_assert(std::is_trivially_copyable_v<Controller>);

}  // namespace millrace::cc
