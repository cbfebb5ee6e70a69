// The model of the path (§5.5 of the draft): what it delivers, how long that takes, and what loss says of both.
// Neighbours: bbr.cpp, bbr_output.cpp.
#include "cc/bbr.h"

namespace millrace::cc {

namespace {

// a is not before b, both counts of octets modulo 2^32.
bool reaches(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) >= 0; }

template <typename T>
T hundredths(T value, uint32_t share) {
  return static_cast<T>(uint64_t{value} * share / 100);
}

}  // namespace

// §5.5.1: a round ends when something arrives that left after its beginning.
void Bbr::update_round(const Step& step) {
  round_start_ = step.sample.known && reaches(step.sample.prior_delivered, next_round_delivered_);
  if (!round_start_) return;
  start_round();
  ++round_count_;
  ++rounds_since_probe_up_;
  was_cwnd_limited_ = cwnd_limited_;
  cwnd_limited_ = false;
}

void Bbr::update_latest_delivery(const Step& step) {
  bw_latest_ = std::max(bw_latest_, step.sample.rate);
  inflight_latest_ = std::max(inflight_latest_, step.sample.delivered);
  loss_round_start_ = step.sample.known && reaches(step.sample.prior_delivered, loss_round_delivered_);
  if (loss_round_start_) loss_round_delivered_ = delivery_.delivered();
}

void Bbr::advance_latest_delivery(const Step& step) {
  if (!loss_round_start_) return;
  bw_latest_ = step.sample.rate;
  inflight_latest_ = step.sample.delivered;
}

void Bbr::update_congestion_signals(const Step& step) {
  update_max_bw(step);
  if (!loss_round_start_) return;
  if ((is_loss_in_round_ || is_ecn_in_round_) && !is_probing_bw()) lower_bounds(step.window);
  if (is_ecn_in_round_) set_undo_point();
  is_loss_in_round_ = is_ecn_in_round_ = is_state_saved_ = false;
}

// §5.5.5: what the application limited counts where it is more than was known.
void Bbr::update_max_bw(const Step& step) {
  update_round(step);
  const RateSample& sample = step.sample;
  if (sample.rate > 0 && (sample.rate >= max_bw() || !sample.app_limited))
    max_bw_filter_[1] = std::max(max_bw_filter_[1], sample.rate);
}

// A cycle without a sample says nothing: the one before is kept in its place.
void Bbr::advance_max_bw_filter() {
  if (max_bw_filter_[1] == 0) return;
  max_bw_filter_[0] = max_bw_filter_[1];
  max_bw_filter_[1] = 0;
}

// §5.5.9: acknowledgements that come in lumps.
void Bbr::update_ack_aggregation(const Step& step) {
  const auto elapsed = static_cast<uint64_t>(std::clamp<int64_t>((step.ack.now - extra_acked_start_).count(), 0, 60'000'000));
  uint64_t expected = std::min<uint64_t>(bw_, uint64_t{1} << 37) * elapsed / 1'000'000;
  if (extra_acked_delivered_ <= expected) {
    extra_acked_delivered_ = 0;
    extra_acked_start_ = step.ack.now;
    expected = 0;
  }
  extra_acked_delivered_ = std::min(extra_acked_delivered_ + step.sample.newly_acked, 2 * kMaxWindow);
  const Bytes extra = std::min(extra_acked_delivered_ - static_cast<Bytes>(expected), step.window.cwnd);
  extra_acked_.update(extra, round_count_, full_bw_reached_ ? kExtraAckedRounds : 1);
}

// §5.3.4.3: two filters, so that ProbeRTT still knows the path while the longer one is renewed.
void Bbr::update_min_rtt(const Step& step) {
  const Instant now = step.ack.now;
  probe_rtt_expired_ = now > probe_rtt_min_stamp_ + kProbeRttInterval;
  const Micros rtt = step.ack.rtt;
  if (rtt > 0us && (rtt < probe_rtt_min_delay_ || probe_rtt_expired_)) {
    probe_rtt_min_delay_ = rtt;
    probe_rtt_min_stamp_ = now;
  }
  if (probe_rtt_min_delay_ < min_rtt_ || now > min_rtt_stamp_ + kMinRttFilter) {
    min_rtt_ = probe_rtt_min_delay_;
    min_rtt_stamp_ = probe_rtt_min_stamp_;
  }
}

// ---- loss (§5.5.10)

bool Bbr::is_inflight_too_high(const RateSample& sample, bool sack) {
  return uint64_t{sample.lost} * 100 > uint64_t{sample.tx_in_flight} * kLossThresh || (sample.lost > 0 && !sack);
}

void Bbr::on_lost(Window& window, Instant now, Instant sent_at, Seq begin, Seq end, bool sack) {
  const Bytes size = end - begin;
  delivery_.on_lost(size);
  note_loss(window);
  if (lost_ranges_ == 0 || begin != lost_end_) lost_ranges_ = static_cast<uint8_t>(std::min(lost_ranges_ + 1, 255));
  lost_end_ = end;
  if (!is_bw_probe_sample_) return;
  RateSample sample = delivery_.at_loss(sent_at);
  if (!sample.known || !is_inflight_too_high(sample, sack)) return;
  sample.tx_in_flight = inflight_at_loss(sample, size);
  handle_inflight_too_high(window, now, sample);
}

void Bbr::note_loss(const Window& window) {
  if (!is_state_saved_) save_state_upon_loss(window);
  if (!is_loss_in_round_ && !is_ecn_in_round_) loss_round_delivered_ = delivery_.delivered();
  is_loss_in_round_ = true;
}

// §3.7: a CE mark is congestion; what it does the draft leaves open. RFC 3168's echo says that something of a window
// of data was marked, not how much: it ends a probe, as too much loss does, and Startup when it comes in two rounds in
// succession; otherwise it lowers the short-term bounds, as a loss does.
void Bbr::take_ecn_echo(const Step& step) {
  if (!is_loss_in_round_ && !is_ecn_in_round_) loss_round_delivered_ = delivery_.delivered();
  is_ecn_in_round_ = true;
  if (is_bw_probe_sample_ && step.sample.known) handle_inflight_too_high(step.window, step.ack.now, step.sample);
  if (state_ == State::Startup && !full_bw_reached_) {
    const bool again = startup_ecn_rounds_ != 0 && round_count_ - echo_round_ <= 2;
    startup_ecn_rounds_ = again ? static_cast<uint8_t>(startup_ecn_rounds_ + 1) : 1;
    echo_round_ = round_count_;
    if (startup_ecn_rounds_ >= kStartupFullEcnCount) end_acceleration(step.window);
  }
  set_undo_point();
}

// Losses of the same round may turn out to be none, but congestion there was: on_undo() goes back no further than here.
void Bbr::set_undo_point() {
  undo_state_ = State::Drain;
  undo_bw_shortterm_ = bw_shortterm_;
  undo_inflight_shortterm_ = inflight_shortterm_;
  undo_inflight_longterm_ = inflight_longterm_;
}

// What was in flight when the losses passed the threshold, perhaps amid what left at that instant.
Bytes Bbr::inflight_at_loss(const RateSample& sample, Bytes size) {
  const int64_t before = int64_t{sample.tx_in_flight} - size;
  const int64_t lost_before = int64_t{sample.lost} - size;
  const int64_t prefix = (kLossThresh * before - 100 * lost_before) / (100 - int64_t{kLossThresh});
  return static_cast<Bytes>(std::clamp<int64_t>(before + std::max<int64_t>(prefix, 0), 0, kMaxWindow));
}

void Bbr::handle_inflight_too_high(const Window& window, Instant now, const RateSample& sample) {
  prev_probe_too_high_ = true;
  is_bw_probe_sample_ = false;  // once a probe
  if (!sample.app_limited)
    inflight_longterm_ = std::max(sample.tx_in_flight, hundredths(target_inflight(window), kBeta));
  if (state_ != State::ProbeBwUp) return;
  undo_state_ = State::ProbeBwUp;
  start_down(now);
}

// Once a round trip with loss: towards what was delivered in it.
void Bbr::lower_bounds(const Window& window) {
  if (bw_shortterm_ == kInfiniteRate) bw_shortterm_ = max_bw();
  if (inflight_shortterm_ == kInfinite) inflight_shortterm_ = window.cwnd;
  bw_shortterm_ = std::max(bw_latest_, hundredths(bw_shortterm_, kBeta));
  inflight_shortterm_ = std::max(inflight_latest_, hundredths(inflight_shortterm_, kBeta));
}

void Bbr::reset_congestion_signals() {
  is_loss_in_round_ = is_ecn_in_round_ = false;
  bw_latest_ = 0;
  inflight_latest_ = 0;
}

void Bbr::reset_shortterm_model() {
  bw_shortterm_ = kInfiniteRate;
  inflight_shortterm_ = kInfinite;
}

void Bbr::reset_full_bw() {
  full_bw_ = 0;
  full_bw_count_ = 0;
  full_bw_now_ = false;
}

// ---- recovery (§5.5.11, §5.6.4.4)

void Bbr::save_state_upon_loss(const Window& window) {
  save_cwnd(window);
  set_undo_point();
  is_state_saved_ = true;
}

// What the losses that began it have found, on_lost() has saved.
void Bbr::on_enter_recovery(Window& window) {
  save_cwnd(window);
  if (!is_state_saved_) save_state_upon_loss(window);
  if (!in_recovery_) recovery_round_ = round_count_;
  in_recovery_ = true;
}

void Bbr::on_exit_recovery(Window& window) {
  in_recovery_ = is_state_saved_ = false;
  restore_cwnd(window);
}

void Bbr::on_timeout(Window& window) {
  on_enter_recovery(window);
  window.cwnd = window.smss;
}

void Bbr::on_undo(Window& window) {
  in_recovery_ = is_state_saved_ = false;
  restore_cwnd(window);
  is_loss_in_round_ = false;
  reset_full_bw();
  bw_shortterm_ = std::max(bw_shortterm_, undo_bw_shortterm_);
  inflight_shortterm_ = std::max(inflight_shortterm_, undo_inflight_shortterm_);
  inflight_longterm_ = std::max(inflight_longterm_, undo_inflight_longterm_);
  if (undo_state_ == State::Startup && state_ != State::Startup) {
    full_bw_reached_ = false;
    if (state_ != State::ProbeRtt) enter_startup();
  } else if (undo_state_ == State::ProbeBwUp && state_ != State::ProbeBwUp && state_ != State::ProbeRtt) {
    start_refill();
  }
  undo_state_ = State::Drain;
}

}  // namespace millrace::cc
