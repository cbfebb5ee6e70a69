#include "tcp/close/challenge.h"

#include "tcp/context.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

bool may_challenge(const Context& context) {
  const bool allowed = context.challenges == nullptr ||
                       context.challenges->take(context.now, context.params.challenge_acks_per_second);
  Counters& counters = context.counters;
  (allowed ? counters.tcp_challenge_acks_sent : counters.tcp_challenge_acks_limited).add();
  return allowed;
}

void challenge(Tcb& tcb, const Context& context) {
  if (tcb.hot.flags.ack_now) return;  // one acknowledgement a burst tells the peer all
  if (!tcb.cold.answers.take(context.now))
    context.counters.tcp_challenge_acks_limited.add();
  else if (may_challenge(context))
    tcb.hot.flags.ack_now = true;
}

void acknowledge_unacceptable(Tcb& tcb, const Context& context) {
  if (tcb.cold.answers.take(context.now))
    tcb.hot.flags.ack_now = true;
  else
    context.counters.tcp_acks_limited.add();
}

}  // namespace millrace::tcp
