#include "tcp/transfer/congestion.h"

#include "tcp/transfer/flight.h"

namespace millrace::tcp {

void choose_congestion_control(Tcb& tcb, cc::Algorithm algorithm) {
  if (algorithm == tcb.cold.cc.algorithm()) return;
  tcb.cold.cc.choose(algorithm);
  if (tcb.hot.flight != nullptr) tcb.hot.flight->can_undo = false;  // it would bring the old one back
}

}  // namespace millrace::tcp
