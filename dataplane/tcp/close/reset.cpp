#include "tcp/close/reset.h"

#include "tcp/close/challenge.h"
#include "tcp/steps.h"

namespace millrace::tcp {

bool reset_for(const wire::Segment& segment, wire::Segment& reset) {
  if (segment.flags.rst()) return false;
  reset = wire::Segment{};
  reset.flow = segment.flow;
  if (segment.flags.ack()) {
    reset.seq = segment.ack;
    reset.flags = wire::kRst;
  } else {
    reset.ack = segment.end();
    reset.flags = wire::kRst | wire::kAck;
  }
  return true;
}

Step check_rst(Tcb& tcb, const wire::Segment& segment, const Context& context) {
  if (!segment.flags.rst()) return kNextStep;
  if (segment.seq != tcb.hot.rcv_nxt) {
    challenge(tcb, context);  // RFC 9293 §3.10.7.4, second step, case 3 (RFC 5961 §3.2)
    return Verdict::dropped(DropReason::TcpNotAcceptable);
  }
  context.counters.tcp_resets_received.add();
  const bool refused = tcb.hot.state() == State::SynReceived && tcb.hot.flags.active_open;
  end(tcb, refused ? End::Refused : End::Reset);
  return Verdict::taken();
}

}  // namespace millrace::tcp
