// Sixth step of RFC 9293 §3.10.7.4. Urgent data stays in line; the pointer is kept for the application's eyes
// (RFC 6093 §4: what an urgent pointer means is left to the stream).
#include "tcp/steps.h"

namespace millrace::tcp {

void check_urg(Tcb& tcb, const wire::Segment& segment) {
  if (!segment.flags.urg() || !can_receive(tcb.hot.state())) return;
  const Seq pointer = segment.seq + segment.urgent_pointer;
  if (pointer.after(tcb.cold.rcv_up)) tcb.cold.rcv_up = pointer;
}

}  // namespace millrace::tcp
