#include "tcp/transfer/pacing.h"

#include <algorithm>
#include <new>

#include "tcp/transfer/flight.h"

namespace millrace::tcp {

namespace {

// SO_MAX_PACING_RATE; 0: none.
uint64_t most(const Tcb& tcb) {
  return tcb.cold.settings.any() ? setting<uint64_t>(tcb, &ConnectionParams::max_pacing_rate, 0) : 0;
}

}  // namespace

bool take_pacing(Tcb& tcb) {
  if (tcb.cold.pacing != nullptr) return true;
  void* cell = tcb.cold.memory->take_cell();
  if (cell != nullptr) tcb.cold.pacing = new (cell) Pacing(tcb);
  return cell != nullptr;
}

void renew_pacing(Tcb& tcb, bool wanted) {
  tcb.hot.flags.paced = (wanted || tcb.cold.cc.always_paced() || most(tcb) != 0) && take_pacing(tcb);
}

void close_pacing(Tcb& tcb) {
  if (tcb.cold.pacing == nullptr) return;
  tcb.hot.flags.paced = false;
  tcb.cold.pacing->~Pacing();
  tcb.cold.memory->give_back_cell(tcb.cold.pacing);
  tcb.cold.pacing = nullptr;
}

uint64_t pacing_rate(const Tcb& tcb) {
  const uint64_t rate = tcb.cold.cc.pacing_rate(tcb.cold.rtt.srtt());
  const uint64_t limit = most(tcb);
  if (limit == 0) return rate;
  return rate == 0 ? limit : std::min(rate, limit);
}

bool is_in_time(Tcb& tcb, Instant now) {
  Pacing& pacing = *tcb.cold.pacing;
  if (pacing.pacer.may_leave(now)) return true;
  pacing.waiting = true;
  return false;
}

void note_departure(Tcb& tcb, Bytes octets, Instant now) {
  tcb.cold.cc.on_sent(now, octets, in_flight(tcb), tcb.cold.rtt.srtt());
  const uint64_t rate = pacing_rate(tcb);
  if (rate != 0) tcb.cold.pacing->pacer.sent(octets, now, rate, tcb.hot.mss);
}

}  // namespace millrace::tcp
