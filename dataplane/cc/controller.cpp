#include "cc/controller.h"

namespace millrace::cc {

void Controller::open(Algorithm algorithm, Bytes smss, uint32_t segments) {
  window_ = {.cwnd = initial_window(smss, segments), .smss = smss};
  algorithm_ = algorithm;
  switch (algorithm_) {
    case Algorithm::NewReno:
      newreno_ = NewReno();
      break;
  }
}

void Controller::on_enter_recovery(Instant, Bytes in_flight) {
  switch (algorithm_) {
    case Algorithm::NewReno:
      newreno_.on_congestion(window_, in_flight);
      break;
  }
  window_.cwnd = window_.ssthresh;
}

void Controller::on_exit_recovery(Instant) { window_.cwnd = window_.ssthresh; }

void Controller::on_timeout(Instant, Bytes in_flight, bool first) {
  switch (algorithm_) {
    case Algorithm::NewReno:
      if (first) newreno_.on_congestion(window_, in_flight);
      newreno_.on_timeout();
      break;
  }
  window_.cwnd = window_.smss;
}

void Controller::on_ecn(Instant now, Bytes in_flight) { on_enter_recovery(now, in_flight); }

void Controller::on_idle_restart(Instant, uint32_t segments) {
  window_.cwnd = std::min(window_.cwnd, initial_window(window_.smss, segments));
}

void Controller::undo(Instant, const Controller& before) {
  const Bytes cwnd = std::max(window_.cwnd, before.window_.cwnd);
  *this = before;
  window_.cwnd = cwnd;
}

void Controller::deflate(Bytes acked) {
  window_.cwnd = window_.cwnd > acked ? window_.cwnd - acked : 0;
  if (acked >= window_.smss) window_.cwnd += window_.smss;
  window_.cwnd = std::max(window_.cwnd, window_.smss);
}

uint64_t Controller::pacing_rate(Micros) const { return 0; }

}  // namespace millrace::cc
