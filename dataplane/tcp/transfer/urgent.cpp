// Sixth step of RFC 9293 §3.10.7.4, and the sender's side. Neighbour: urgent.h.
#include "tcp/transfer/urgent.h"

#include <algorithm>

#include "tcp/steps.h"

namespace millrace::tcp {

void check_urg(Tcb& tcb, const wire::Segment& segment) {
  if (!segment.flags.urg() || !can_receive(tcb.hot.state())) return;
  const Seq pointer = segment.seq + segment.urgent_pointer;
  // MUST-32: told once for each mark that lies further on than the last one and than what was received.
  if (!pointer.after(tcb.cold.rcv_up) || !pointer.after(tcb.hot.rcv_nxt)) return;
  tcb.cold.rcv_up = pointer;
  tcb.hot.events |= Event::kUrgent;
}

Bytes urgent_bytes(const Tcb& tcb) {
  const Seq next = tcb.hot.rcv_nxt - tcb.cold.receive.size();
  return tcb.cold.rcv_up.after(next) ? tcb.cold.rcv_up - next : 0;
}

bool mark_sent_urgent(Tcb& tcb) {
  TcbRare* rare = tcb.cold.settings.take(*tcb.cold.memory);
  if (rare == nullptr) return false;
  rare->snd_up = tcb.hot.snd_end;
  rare->sends_urgent = true;
  return true;
}

void mark_urgent(Tcb& tcb, wire::Segment& segment) {
  TcbRare* rare = tcb.cold.settings.rare();
  if (rare == nullptr || !rare->sends_urgent) return;
  if (tcb.hot.snd_una.after_or_at(rare->snd_up)) {
    rare->sends_urgent = false;  // all of it has arrived
    return;
  }
  if (!rare->snd_up.after(segment.seq)) return;
  segment.flags = segment.flags | wire::kUrg;
  segment.urgent_pointer = static_cast<uint16_t>(std::min<uint32_t>(rare->snd_up - segment.seq, 0xffff));
}

}  // namespace millrace::tcp
