// The states (§5.3 of the draft) and what happens when. Neighbours: bbr_model.cpp, bbr_output.cpp.
#include "cc/bbr.h"

#include <utility>

namespace millrace::cc {

std::string_view name_of(Bbr::State state) {
  constexpr std::string_view kNames[] = {"startup",         "drain",       "probe_bw_down", "probe_bw_cruise",
                                         "probe_bw_refill", "probe_bw_up", "probe_rtt"};
  return kNames[static_cast<size_t>(state)];
}

// §5.2.1; when the first segment leaves, for then the handshake's round trip is known.
void Bbr::start(Window& window, Instant now, Micros srtt) {
  started_ = true;
  if (srtt > 0us) min_rtt_ = probe_rtt_min_delay_ = srtt;
  min_rtt_stamp_ = probe_rtt_min_stamp_ = extra_acked_start_ = cycle_stamp_ = now;
  const uint64_t micros = srtt > 0us ? static_cast<uint64_t>(srtt.count()) : 1000;
  pacing_rate_ = std::max<uint64_t>(1, uint64_t{window.cwnd} * 10'000 * kStartupPacingGain / micros);
}

void Bbr::on_sent(Window& window, Instant now, Bytes octets, Bytes in_flight, Micros srtt) {
  if (!started_) start(window, now, srtt);
  // §5.4.1: HandleRestartFromIdle().
  if (in_flight <= octets && delivery_.app_limited()) {
    idle_restart_ = true;
    extra_acked_start_ = now;
    if (in_probe_bw())
      set_pacing_rate(100);
    else if (state_ == State::ProbeRtt)
      check_probe_rtt_done(window, now);
  }
  delivery_.on_sent(now, octets, in_flight);
}

// §5.2.3.
void Bbr::on_ack(Window& window, const Ack& ack) {
  const Step step{window, ack, delivery_.take(min_rtt_ == kNoRtt ? 0us : min_rtt_)};
  if (step.sample.newly_acked == 0 && !step.sample.known) return;  // the handshake's among them
  if (!started_) start(window, ack.now, ack.srtt);
  delivered_bound_ = std::min(delivered_bound_ + step.sample.newly_acked, initial_window_);
  cwnd_limited_ |= ack.in_flight + window.smss > window.cwnd;
  if (std::exchange(ecn_echoed_, false)) take_ecn_echo(step);
  update_latest_delivery(step);
  update_congestion_signals(step);
  update_ack_aggregation(step);
  check_full_bw_reached(step);
  check_startup_done(step);
  check_drain_done(step);
  update_probe_bw_phase(step);
  update_min_rtt(step);
  check_probe_rtt(step);
  advance_latest_delivery(step);
  bw_ = std::min(max_bw(), bw_shortterm_);
  set_pacing_rate(pacing_gain());
  set_cwnd(step);
}

// ---- Startup and Drain (§5.3.1, §5.3.2)

void Bbr::check_full_bw_reached(const Step& step) {
  if (full_bw_now_ || !round_start_ || step.sample.app_limited) return;
  if (step.sample.rate >= full_bw_ + full_bw_ / 4) {
    reset_full_bw();
    full_bw_ = step.sample.rate;
    return;
  }
  full_bw_now_ = ++full_bw_count_ >= kFullBwCount;
  full_bw_reached_ |= full_bw_now_;
}

void Bbr::check_startup_done(const Step& step) {
  check_startup_high_loss(step);
  if (state_ == State::Startup && full_bw_reached_) enter_drain();
}

void Bbr::check_startup_high_loss(const Step& step) {
  const uint8_t ranges = lost_ranges_;
  if (loss_round_start_) lost_ranges_ = 0;
  if (state_ != State::Startup || full_bw_reached_ || !in_recovery_) return;
  if (step.ack.sack) {
    if (!loss_round_start_ || round_count_ == recovery_round_ || ranges < kStartupFullLossCount) return;
    if (!is_inflight_too_high(step.sample, true)) return;
  } else if (ranges == 0) {
    return;
  }
  undo_state_ = State::Startup;
  end_acceleration(step.window);
}

// What the path takes is known, for it has said that this is too much.
void Bbr::end_acceleration(const Window& window) {
  full_bw_reached_ = true;
  inflight_longterm_ = std::max({bdp(max_bw(), 100), inflight_latest_, min_pipe(window)});
}

void Bbr::enter_drain() {
  state_ = State::Drain;
  drain_start_round_ = round_count_;
}

void Bbr::check_drain_done(const Step& step) {
  if (state_ != State::Drain) return;
  if (step.ack.left <= inflight(step.window, bw_, 100) || round_count_ > drain_start_round_ + 3)
    start_down(step.ack.now);
}

// ---- ProbeBW (§5.3.3)

void Bbr::start_down(Instant now) {
  reset_congestion_signals();
  probe_up_acked_per_inc_ = kInfinite;
  const uint32_t drawn = random();
  rounds_since_probe_up_ = drawn & 1;
  bw_probe_wait_ = 2s + Micros((drawn >> 1) % 1'000'000);
  cycle_stamp_ = now;
  ack_phase_ = AckPhase::ProbeStopping;
  start_round();
  state_ = State::ProbeBwDown;
}

void Bbr::start_refill() {
  reset_shortterm_model();
  bw_probe_up_rounds_ = 0;
  bw_probe_up_acked_ = 0;
  prev_probe_precautionary_ = false;
  ack_phase_ = AckPhase::Refilling;
  start_round();
  state_ = State::ProbeBwRefill;
}

void Bbr::start_up(const Window& window, uint64_t rate) {
  ack_phase_ = AckPhase::ProbeStarting;
  start_round();
  reset_full_bw();
  full_bw_ = rate;
  state_ = State::ProbeBwUp;
  raise_inflight_slope(window);
}

void Bbr::update_probe_bw_phase(const Step& step) {
  if (!full_bw_reached_ || adapt_longterm_model(step)) return;
  switch (state_) {
    case State::ProbeBwDown:
      if (!probes_bw_now(step) && may_cruise(step)) state_ = State::ProbeBwCruise;
      return;
    case State::ProbeBwCruise:
      probes_bw_now(step);
      return;
    case State::ProbeBwRefill:
      if (!round_start_) return;
      is_bw_probe_sample_ = true;
      return start_up(step.window, step.sample.rate);
    case State::ProbeBwUp:
      if (!must_go_down(step)) return;
      prev_probe_too_high_ = false;
      return start_down(step.ack.now);
    default:
      return;
  }
}

// §5.3.3.8: as often as Reno would have grown to here, but at least every two to three seconds.
bool Bbr::probes_bw_now(const Step& step) {
  const Bytes reno_rounds = target_inflight(step.window) / step.window.smss;
  if (step.ack.now <= cycle_stamp_ + bw_probe_wait_ && rounds_since_probe_up_ < std::min<Bytes>(reno_rounds, 63))
    return false;
  start_refill();
  return true;
}

bool Bbr::may_cruise(const Step& step) const {
  return step.ack.left <= inflight_with_headroom(step.window) &&
         step.ack.left <= inflight(step.window, max_bw(), 100);
}

bool Bbr::must_go_down(const Step& step) {
  if (prev_probe_too_high_ && step.ack.left >= inflight_longterm_) {
    prev_probe_precautionary_ = true;
    return true;
  }
  if (is_cwnd_limited() && step.window.cwnd >= inflight_longterm_) {
    reset_full_bw();  // it is the bound that limits the rate
    full_bw_ = step.sample.rate;
    return false;
  }
  return full_bw_now_;
}

void Bbr::raise_inflight_slope(const Window& window) {
  const Bytes growth = Bytes{1} << bw_probe_up_rounds_;
  bw_probe_up_rounds_ = static_cast<uint8_t>(std::min(bw_probe_up_rounds_ + 1, 30));
  probe_up_acked_per_inc_ = std::max<Bytes>(window.cwnd / growth, window.smss);
}

void Bbr::probe_inflight_upward(const Step& step) {
  if (!is_cwnd_limited() || step.window.cwnd < inflight_longterm_) return;
  bw_probe_up_acked_ += step.sample.newly_acked;
  if (bw_probe_up_acked_ >= probe_up_acked_per_inc_) {
    const Bytes segments = bw_probe_up_acked_ / probe_up_acked_per_inc_;
    bw_probe_up_acked_ -= segments * probe_up_acked_per_inc_;
    inflight_longterm_ = std::min(inflight_longterm_ + step.window.segments(segments), kMaxWindow);
  }
  if (round_start_) raise_inflight_slope(step.window);
}

// True: the state has changed.
bool Bbr::adapt_longterm_model(const Step& step) {
  if (ack_phase_ == AckPhase::ProbeStarting && round_start_) ack_phase_ = AckPhase::ProbeFeedback;
  if (ack_phase_ == AckPhase::ProbeStopping && round_start_) {
    is_bw_probe_sample_ = false;
    ack_phase_ = AckPhase::Init;
    if (in_probe_bw() && !step.sample.app_limited) advance_max_bw_filter();
    if (in_probe_bw() && prev_probe_precautionary_ && !prev_probe_too_high_) {
      start_refill();
      return true;
    }
  }
  if (is_inflight_too_high(step.sample, step.ack.sack) || inflight_longterm_ == kInfinite) return false;
  if (step.sample.known) inflight_longterm_ = std::max(inflight_longterm_, step.sample.tx_in_flight);
  if (state_ == State::ProbeBwUp) probe_inflight_upward(step);
  return false;
}

uint32_t Bbr::random() {  // Marsaglia's xorshift32
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  return random_;
}

// ---- ProbeRTT (§5.3.4)

void Bbr::check_probe_rtt(const Step& step) {
  if (state_ != State::ProbeRtt && probe_rtt_expired_ && !idle_restart_) {
    state_ = State::ProbeRtt;
    save_cwnd(step.window);
    probe_rtt_done_stamp_ = kNever;
    ack_phase_ = AckPhase::ProbeStopping;
    start_round();
  }
  if (state_ == State::ProbeRtt) handle_probe_rtt(step);
  if (step.sample.delivered > 0) idle_restart_ = false;
}

void Bbr::handle_probe_rtt(const Step& step) {
  delivery_.mark_app_limited(step.ack.left);
  if (probe_rtt_done_stamp_ == kNever) {
    if (step.ack.left > probe_rtt_cwnd(step.window)) return;
    probe_rtt_done_stamp_ = step.ack.now + kProbeRttDuration;
    probe_rtt_round_done_ = false;
    start_round();
    return;
  }
  probe_rtt_round_done_ |= round_start_;
  if (probe_rtt_round_done_) check_probe_rtt_done(step.window, step.ack.now);
}

void Bbr::check_probe_rtt_done(Window& window, Instant now) {
  if (probe_rtt_done_stamp_ == kNever || now <= probe_rtt_done_stamp_) return;
  probe_rtt_min_stamp_ = now;
  restore_cwnd(window);
  exit_probe_rtt(now);
}

void Bbr::exit_probe_rtt(Instant now) {
  reset_shortterm_model();
  if (!full_bw_reached_) return enter_startup();
  start_down(now);
  state_ = State::ProbeBwCruise;
}

}  // namespace millrace::cc
