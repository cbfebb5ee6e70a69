// What the model makes of rate and window (§5.6 of the draft). Neighbours: bbr.cpp, bbr_model.cpp.
#include "cc/bbr.h"
#include "cc/pacer.h"

namespace millrace::cc {

// The table of §5.6.1.
uint32_t Bbr::pacing_gain() const {
  switch (state_) {
    case State::Startup:
      return kStartupPacingGain;
    case State::Drain:
      return kDrainPacingGain;
    case State::ProbeBwDown:
      return kDownPacingGain;
    case State::ProbeBwUp:
      return kUpPacingGain;
    case State::ProbeBwCruise:
    case State::ProbeBwRefill:
    case State::ProbeRtt:
      break;
  }
  return 100;
}

uint32_t Bbr::cwnd_gain() const {
  if (state_ == State::ProbeRtt) return kProbeRttCwndGain;
  return state_ == State::ProbeBwUp ? kUpCwndGain : kCwndGain;
}

// §5.6.2: until the path is known to be full the rate only rises.
void Bbr::set_pacing_rate(uint32_t gain) {
  constexpr uint64_t kMost = uint64_t{1} << 37;  // a terabit a second
  const uint64_t rate = std::min(bw_, kMost) * gain / 100 * (100 - kPacingMargin) / 100;
  if (full_bw_reached_ || rate > pacing_rate_) pacing_rate_ = std::max<uint64_t>(rate, 1);
}

// §5.6.4.2.
Bytes Bbr::bdp(uint64_t bw, uint32_t gain) const {
  if (min_rtt_ == kNoRtt) return initial_window_;
  constexpr uint64_t kMostRate = uint64_t{1} << 37;
  const auto rtt = static_cast<uint64_t>(std::min<int64_t>(min_rtt_.count(), 100'000'000));
  const uint64_t product = std::min(bw, kMostRate) * rtt / 1'000'000;
  return static_cast<Bytes>(std::min<uint64_t>(product * gain / 100, kMaxWindow));
}

Bytes Bbr::with_budget(const Window& window, Bytes inflight) const {
  const Bytes offload = 3 * Pacer::quantum(pacing_rate_, window.smss);
  inflight = std::max({inflight, offload, min_pipe(window)});
  return state_ == State::ProbeBwUp ? inflight + window.segments(2) : inflight;
}

Bytes Bbr::inflight_with_headroom(const Window& window) const {
  if (inflight_longterm_ == kInfinite) return kInfinite;
  const auto share = static_cast<Bytes>(uint64_t{inflight_longterm_} * kHeadroom / 100);
  const Bytes headroom = std::max<Bytes>(window.smss, share);
  return std::max(inflight_longterm_ - std::min(inflight_longterm_, headroom), min_pipe(window));
}

Bytes Bbr::probe_rtt_cwnd(const Window& window) const {
  return std::max(bdp(bw_, kProbeRttCwndGain), min_pipe(window));
}

// §5.6.4.6: at most by what is acknowledged, and not by what an ECN echo acknowledges (RFC 3168 §6.1.2).
void Bbr::set_cwnd(const Step& step) {
  Window& window = step.window;
  const Bytes most = std::min(with_budget(window, bdp(bw_, cwnd_gain()) + extra_acked_.value()), kMaxWindow);
  const Bytes acked = step.ack.ecn_echo ? 0 : step.sample.newly_acked;
  if (full_bw_reached_)
    window.cwnd = std::min(window.cwnd + acked, most);
  else if (window.cwnd < most || delivered_bound_ < initial_window_)
    window.grow(acked);
  window.cwnd = std::max(window.cwnd, min_pipe(window));
  if (state_ == State::ProbeRtt) window.cwnd = std::min(window.cwnd, probe_rtt_cwnd(window));
  bound_cwnd(window);
}

// §5.6.4.7.
void Bbr::bound_cwnd(Window& window) const {
  Bytes most = kInfinite;
  if (in_probe_bw() && state_ != State::ProbeBwCruise)
    most = inflight_longterm_;
  else if (state_ == State::ProbeRtt || state_ == State::ProbeBwCruise)
    most = inflight_with_headroom(window);
  most = std::max(std::min(most, inflight_shortterm_), min_pipe(window));
  window.cwnd = std::min(window.cwnd, most);
}

// §5.6.4.4: the last window that neither recovery nor ProbeRTT has shaped.
void Bbr::save_cwnd(const Window& window) {
  const bool shaped = in_recovery_ || state_ == State::ProbeRtt;
  prior_cwnd_ = shaped ? std::max(prior_cwnd_, window.cwnd) : window.cwnd;
}

}  // namespace millrace::cc
