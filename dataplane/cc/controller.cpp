#include "cc/controller.h"

#include "cc/bbr.h"

namespace millrace::cc {

std::string_view name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::NewReno:
      return "newreno";
    case Algorithm::Cubic:
      return "cubic";
    case Algorithm::Bbr:
      return "bbr";
  }
  return "?";
}

namespace {

// A path that its model has found full is not looked for by slow start; a recovery that is under way ends with half the
// window of before (RFC 5681 §3.1).
Bytes ssthresh_after(const Bbr& model, const Window& window) {
  if (model.in_recovery()) return std::max(model.prior_cwnd() / 2, window.segments(2));
  return model.full_bw_reached() ? window.cwnd : kMaxWindow;
}

}  // namespace

void Controller::open(Algorithm algorithm, uint16_t smss, uint32_t segments, Bbr* model) {
  window_ = {.cwnd = initial_window(smss, segments), .smss = smss, .algorithm = algorithm};
  start_algorithm(model);
}

void Controller::choose(Algorithm algorithm, Bbr* model) {
  if (algorithm == window_.algorithm) return;
  if (const Bbr* left = this->model(); left != nullptr) window_.ssthresh = ssthresh_after(*left, window_);
  window_.algorithm = algorithm;
  start_algorithm(model);
}

void Controller::start_algorithm(Bbr* model) {
  window_.stage = 0;
  switch (window_.algorithm) {
    case Algorithm::NewReno:
      newreno_ = NewReno();
      break;
    case Algorithm::Cubic:
      cubic_ = Cubic();
      cubic_.open(window_);
      break;
    case Algorithm::Bbr:
      window_.ssthresh = kMaxWindow;
      std::memcpy(model_, &model, sizeof model);
      break;
  }
}

void Controller::ack_model(const Ack& ack) { model()->on_ack(window_, ack); }

void Controller::on_sent(Instant now, Bytes octets, Bytes in_flight, Micros srtt) {
  if (Bbr* bbr = model(); bbr != nullptr) bbr->on_sent(window_, now, octets, in_flight, srtt);
}

void Controller::on_lost(Instant now, Instant sent_at, Seq begin, Seq end, bool sack) {
  if (Bbr* bbr = model(); bbr != nullptr) bbr->on_lost(window_, now, sent_at, begin, end, sack);
}

void Controller::on_congestion(Bytes in_flight) {
  switch (window_.algorithm) {
    case Algorithm::NewReno:
      newreno_.on_congestion(window_, in_flight);
      break;
    case Algorithm::Cubic:
      cubic_.on_congestion(window_, in_flight);
      break;
    case Algorithm::Bbr:
      break;
  }
}

void Controller::on_enter_recovery(Instant, Bytes in_flight) {
  if (Bbr* bbr = model(); bbr != nullptr) return bbr->on_enter_recovery(window_);
  on_congestion(in_flight);
  window_.cwnd = window_.ssthresh;
}

void Controller::on_tail_loss(Instant now, Bytes in_flight) {
  if (Bbr* bbr = model(); bbr != nullptr) return bbr->on_tail_loss(window_);
  on_enter_recovery(now, in_flight);
  on_exit_recovery(now);
}

void Controller::on_exit_recovery(Instant) {
  if (Bbr* bbr = model(); bbr != nullptr) return bbr->on_exit_recovery(window_);
  window_.cwnd = window_.ssthresh;
}

void Controller::on_timeout(Instant, Bytes in_flight, bool first) {
  if (first) on_congestion(in_flight);
  switch (window_.algorithm) {
    case Algorithm::NewReno:
      newreno_.on_timeout(window_);
      break;
    case Algorithm::Cubic:
      cubic_.on_timeout(window_);
      break;
    case Algorithm::Bbr:
      return model()->on_timeout(window_);
  }
  window_.cwnd = window_.smss;
}

void Controller::on_ecn(Instant, Bytes in_flight) {
  if (Bbr* bbr = model(); bbr != nullptr) return bbr->on_ecn();
  on_congestion(in_flight);
  window_.cwnd = std::min(window_.cwnd, window_.ssthresh);
}

void Controller::on_idle_restart(Instant, uint32_t segments) {
  if (window_.algorithm == Algorithm::Bbr) return;  // its pace is that of the path (draft-ietf-ccwg-bbr §5.4)
  window_.cwnd = std::min(window_.cwnd, initial_window(window_.smss, segments));
  if (window_.algorithm == Algorithm::Cubic) cubic_.on_idle_restart(window_);
}

void Controller::undo(Instant, const Controller& before) {
  if (Bbr* bbr = model(); bbr != nullptr) return bbr->on_undo(window_);
  const Bytes cwnd = window_.cwnd;
  // RFC 9438 §4.9.2: a window that has grown past where it was goes on from where it is.
  if (window_.algorithm == Algorithm::Cubic && cwnd >= before.window_.cwnd) return;
  *this = before;
  window_.cwnd = std::max(cwnd, window_.cwnd);
}

void Controller::deflate(Bytes acked) {
  window_.cwnd = window_.cwnd > acked ? window_.cwnd - acked : 0;
  if (acked >= window_.smss) window_.cwnd += window_.smss;
  window_.cwnd = std::max<Bytes>(window_.cwnd, window_.smss);
}

// RFC 9002 §7.7: N * cwnd / srtt, so that a round trip that varies leaves the window in use. In slow start the window
// is half of what it will be a round trip later.
uint64_t Controller::pacing_rate(Micros srtt) const {
  if (const Bbr* bbr = model(); bbr != nullptr) return bbr->pacing_rate();
  if (srtt <= 0us) return 0;
  const uint64_t quarters = window_.slow_start() ? 8 : 5;
  return std::max<uint64_t>(1, quarters * window_.cwnd * 250'000 / static_cast<uint64_t>(srtt.count()));
}

}  // namespace millrace::cc
