#include "tcp/transfer/receive_tuning.h"

#include <algorithm>

namespace millrace::tcp {

namespace {

constexpr Bytes kSlack = 16;  // segments beyond twice the round's octets: a young flow's next flight

// What a round brought says how much the peer could send in it. Twice that leaves the peer's slow start room to
// double, and a window that was the limit does not stay it. It is known only a round trip after the peer sent
// it, and told the peer another half later: where rounds grow, the window has to be ahead by as much again, or
// it holds a slow start down to doubling every other round trip. Rounds cannot grow by more than slow start
// does.
uint64_t wanted_after(uint64_t a_round, uint64_t before, Bytes mss) {
  const uint64_t twice = 2 * a_round + uint64_t{kSlack} * mss;
  if (before == 0 || a_round <= before) return twice;
  return twice + 2 * twice * std::min(a_round - before, before) / before;
}

}  // namespace

// An application that takes octets seldom is not rewarded for the size of its gulps: they count as spread over
// the time.
void end_round(Tcb& tcb, ReceiveTuning& tuning, Instant now) {
  const Seq taken = tcb.hot.rcv_nxt - tcb.cold.receive.size();
  const auto now_us = static_cast<uint32_t>(now.time_since_epoch().count());
  const uint64_t elapsed = now_us - tuning.began_us;
  const uint64_t octets = taken - tuning.from;
  const bool measured = tuning.running && elapsed != 0;
  const Bytes before = tuning.before;
  tuning = {.from = taken, .began_us = now_us, .running = true};
  if (!measured) return;
  const uint64_t a_round = octets * static_cast<uint64_t>(tuning_round(tcb).count()) / elapsed;
  tuning.before = static_cast<Bytes>(std::min<uint64_t>(a_round, UINT32_MAX));
  const uint64_t wanted = wanted_after(a_round, before, tcb.hot.mss);
  if (wanted <= tcb.cold.receive_buffer) return;
  Memory& memory = *tcb.cold.memory;
  if (memory.is_under_pressure()) return memory.note_growth(false);
  tcb.cold.receive_buffer = static_cast<Bytes>(std::min<uint64_t>(wanted, memory.limits().receive));
  memory.note_growth(true);
}

}  // namespace millrace::tcp
