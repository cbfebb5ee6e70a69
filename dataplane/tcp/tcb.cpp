#include "tcp/tcb.h"

#include "base/check.h"
#include "tcp/transfer/congestion.h"
#include "tcp/transfer/flight.h"
#include "tcp/transfer/pacing.h"

namespace millrace::tcp {

Tcb::~Tcb() {
  close_flight(*this);
  close_congestion_control(*this);
  close_pacing(*this);
}

bool enter(Tcb& tcb, State next) {
  const State from = tcb.hot.state();
  if (!is_legal(from, next)) [[unlikely]] {
    MILLRACE_CHECK(is_legal(from, next));
    tcb.cold.end = End::Internal;
    tcb.hot.key.state = static_cast<uint8_t>(State::Closed);
    tcb.hot.events |= Event::kClosed;
    return false;
  }
  tcb.hot.key.state = static_cast<uint8_t>(next);
  tcb.cold.path.add(next);
  if (next == State::Established) tcb.hot.events |= Event::kEstablished;
  if (next == State::TimeWait) {
    tcb.cold.end = End::Finished;
    tcb.hot.rtx_deadline = kNever;
    tcb.hot.events |= Event::kClosed;
  }
  return true;
}

void end(Tcb& tcb, End reason) {
  if (tcb.hot.state() == State::Closed) return;
  if (!enter(tcb, State::Closed)) return;
  tcb.cold.end = reason;
  tcb.hot.rtx_deadline = kNever;
  tcb.hot.events |= Event::kClosed;
}

void note_soft_error(Tcb& tcb, SoftError error, Instant now) {
  const bool known = tcb.cold.soft_error == error;
  tcb.cold.soft_error = error;
  if (known || !setting(tcb, &ConnectionParams::error_reports, true)) return;
  if (tcb.cold.answers.take(now)) tcb.hot.events |= Event::kSoftError;
}

}  // namespace millrace::tcp
