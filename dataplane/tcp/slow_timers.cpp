#include "tcp/slow_timers.h"

#include <algorithm>

#include "tcp/close/close.h"
#include "tcp/transfer/keepalive.h"
#include "tcp/transfer/user_timeout.h"

namespace millrace::tcp {

Instant next_slow_deadline(const Tcb& tcb, const TcpParams& params) {
  if (tcb.hot.state() == State::Closed || tcb.hot.state() == State::TimeWait) return kNever;
  return std::min(
      {keepalive_deadline(tcb, params), user_timeout_deadline(tcb, params), linger_deadline(tcb)});
}

void on_slow_deadline(Tcb& tcb, const Context& context) {
  if (tcb.hot.state() == State::Closed || tcb.hot.state() == State::TimeWait) return;
  if (linger_deadline(tcb) <= context.now) return on_linger_deadline(tcb, context);
  if (user_timeout_deadline(tcb, context.params) <= context.now) return on_user_timeout(tcb, context);
  if (keepalive_deadline(tcb, context.params) <= context.now) on_keepalive_deadline(tcb, context);
}

}  // namespace millrace::tcp
