#include "tcp/transfer/pacing.h"

#include <algorithm>
#include <new>

namespace millrace::tcp {

namespace {

// SO_MAX_PACING_RATE; 0: none.
uint64_t most(const Tcb& tcb) {
  return tcb.cold.settings.any() ? setting<uint64_t>(tcb, &ConnectionParams::max_pacing_rate, 0) : 0;
}

}  // namespace

void renew_pacing(Tcb& tcb, bool wanted) {
  TcbHot& hot = tcb.hot;
  hot.flags.paced = false;
  if (!wanted && !tcb.cold.cc.always_paced() && most(tcb) == 0) return;
  if (tcb.cold.pacing == nullptr) {
    void* cell = tcb.cold.memory->take_cell();
    if (cell == nullptr) return;
    tcb.cold.pacing = new (cell) Pacing(tcb);
  }
  hot.flags.paced = true;
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
  const uint64_t rate = pacing_rate(tcb);
  if (rate != 0) tcb.cold.pacing->pacer.sent(octets, now, rate, tcb.hot.mss);
}

}  // namespace millrace::tcp
