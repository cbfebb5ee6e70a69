// Departures of data spread by the rate that congestion control and the application (SO_MAX_PACING_RATE) allow. A
// side block of connections that are paced, taken when they begin and kept to their end: the rest have a flag in the
// hot part that says no. Acknowledgements, and what a timer sends on its own (probes, the first retransmission),
// leave whatever the pace says and count for it. Neighbours: cc/pacer.h; output.h asks, shard/ keeps the timer.
#pragma once

#include "cc/pacer.h"
#include "tcp/context.h"
#include "tcp/tcb.h"
#include "timer/wheel.h"

namespace millrace::tcp {

struct Pacing {
  explicit Pacing(Tcb& tcb) : owner(&tcb) {}

  timer::Node timer;  // first: its owner is found from it
  Tcb* owner;
  cc::Pacer pacer;
  bool waiting = false;  // something has been kept back for the pace alone
};
static_assert(sizeof(Pacing) <= kCellBytes);

inline Tcb& paced_by(timer::Node& node) { return *reinterpret_cast<Pacing*>(&node)->owner; }

// The side block, if memory allows.
[[gnu::cold]] bool take_pacing(Tcb& tcb);
// Whether the connection is paced from now on: by tcp.pacing when it begins, by its algorithm, by a limit of its own.
// Without memory for it, it is not.
[[gnu::cold]] void renew_pacing(Tcb& tcb, bool wanted);
// The timer is not armed any more.
void close_pacing(Tcb& tcb);

// Octets a second; 0: as fast as the window lets them.
uint64_t pacing_rate(const Tcb& tcb);

// For paced connections.
bool is_in_time(Tcb& tcb, Instant now);
void note_departure(Tcb& tcb, Bytes octets, Instant now);

inline bool may_depart(Tcb& tcb, Instant now) { return !tcb.hot.flags.paced || is_in_time(tcb, now); }

// Octets wait for nothing but their time: neither the peer nor the network is asked for anything.
inline bool waits_for_departure(const Tcb& tcb) { return tcb.hot.flags.paced && tcb.cold.pacing->waiting; }

}  // namespace millrace::tcp
