// BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path, of what it delivers and of how long that takes, instead
// of a window that loss cuts. Integers: octets, octets a second, microseconds; gains in hundredths. What the model
// needs is larger than a controller's room, so it lives in a block of its own beside the connection and goes with it.
// Names are the draft's. bbr.cpp walks the states, bbr_model.cpp keeps the model, bbr_output.cpp makes rate and window
// of it. Neighbours: delivery_rate.h (samples), controller.h (events).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"
#include "cc/delivery_rate.h"
#include "cc/window.h"
#include "cc/windowed_max.h"

namespace millrace::cc {

class Bbr {
 public:
  // §5.1.1.
  enum class State : uint8_t { Startup, Drain, ProbeBwDown, ProbeBwCruise, ProbeBwRefill, ProbeBwUp, ProbeRtt };

  // §2 of the draft; gains and shares in hundredths.
  static constexpr uint32_t kStartupPacingGain = 277, kDrainPacingGain = 50, kDownPacingGain = 90, kUpPacingGain = 125;
  static constexpr uint32_t kCwndGain = 200, kUpCwndGain = 225, kProbeRttCwndGain = 50;
  static constexpr uint32_t kPacingMargin = 1, kLossThresh = 2, kBeta = 70, kHeadroom = 15;
  static constexpr uint32_t kStartupFullLossCount = 6, kFullBwCount = 3, kExtraAckedRounds = 10;
  static constexpr uint32_t kStartupFullEcnCount = 2;  // ours
  static constexpr Bytes kMinPipeSegments = 4;
  static constexpr Micros kMinRttFilter = 10s, kProbeRttInterval = 5s, kProbeRttDuration = 200ms;

  // `initial` octets are the initial window. `seed` spreads the times of probing.
  Bbr(Bytes initial, uint32_t seed) : initial_window_(initial), random_(seed | 1) {}

  // `octets` leave, `in_flight` with them: before their pace is asked for.
  void on_sent(Window& window, Instant now, Bytes octets, Bytes in_flight, Micros srtt);
  void on_arrival(Instant sent_at, Bytes octets, Instant now) { delivery_.on_arrival(sent_at, octets, now); }
  // [begin, end), which left at `sent_at`, counts as lost.
  void on_lost(Window& window, Instant now, Instant sent_at, Seq begin, Seq end, bool sack);
  // Everything is sent, and the window would have taken more (§4.1.2.4).
  void on_out_of_data(Bytes in_flight) { delivery_.mark_app_limited(in_flight); }
  // After the arrivals and losses of an acknowledgement.
  void on_ack(Window& window, const Ack& ack);
  void on_enter_recovery(Window& window);
  void on_exit_recovery(Window& window);
  void on_timeout(Window& window);
  // A tail loss probe has repaired the loss of what it sent again.
  void on_tail_loss(const Window& window) { note_loss(window); }
  // An ECN echo, at most once a round trip: before on_ack() of the acknowledgement that has it.
  void on_ecn() { ecn_echoed_ = true; }
  // The recovery was for nothing.
  void on_undo(Window& window);

  State state() const { return state_; }
  uint64_t pacing_rate() const { return pacing_rate_; }
  uint64_t max_bw() const { return std::max(max_bw_filter_[0], max_bw_filter_[1]); }
  uint64_t bw() const { return bw_; }
  uint64_t bw_shortterm() const { return bw_shortterm_; }
  Micros min_rtt() const { return min_rtt_; }
  Bytes inflight_longterm() const { return inflight_longterm_; }
  Bytes inflight_shortterm() const { return inflight_shortterm_; }
  Bytes extra_acked() const { return extra_acked_.value(); }
  bool full_bw_reached() const { return full_bw_reached_; }
  bool in_recovery() const { return in_recovery_; }
  Bytes prior_cwnd() const { return prior_cwnd_; }
  uint32_t round_count() const { return round_count_; }
  const DeliveryRate& delivery() const { return delivery_; }

  static constexpr uint64_t kInfiniteRate = std::numeric_limits<uint64_t>::max();
  static constexpr Bytes kInfinite = std::numeric_limits<Bytes>::max();
  static constexpr Micros kNoRtt = Micros::max();

 private:
  enum class AckPhase : uint8_t { Init, Refilling, ProbeStarting, ProbeFeedback, ProbeStopping };

  // One acknowledgement as the steps see it.
  struct Step {
    Window& window;
    const Ack& ack;
    RateSample sample;
  };

  // ---- bbr.cpp: the states
  void start(Window& window, Instant now, Micros srtt);
  void enter_startup() { state_ = State::Startup; }
  void enter_drain();
  void start_down(Instant now);
  void start_refill();
  void start_up(const Window& window, uint64_t rate);
  void check_full_bw_reached(const Step& step);
  void check_startup_done(const Step& step);
  void check_startup_high_loss(const Step& step);
  void end_acceleration(const Window& window);
  void check_drain_done(const Step& step);
  void update_probe_bw_phase(const Step& step);
  bool adapt_longterm_model(const Step& step);
  void probe_inflight_upward(const Step& step);
  void raise_inflight_slope(const Window& window);
  bool probes_bw_now(const Step& step);
  bool may_cruise(const Step& step) const;
  bool must_go_down(const Step& step);
  void check_probe_rtt(const Step& step);
  void handle_probe_rtt(const Step& step);
  void check_probe_rtt_done(Window& window, Instant now);
  void exit_probe_rtt(Instant now);
  bool in_probe_bw() const { return state_ >= State::ProbeBwDown && state_ <= State::ProbeBwUp; }
  bool is_probing_bw() const {
    return state_ == State::Startup || state_ == State::ProbeBwRefill || state_ == State::ProbeBwUp;
  }
  uint32_t random();

  // ---- bbr_model.cpp: the model
  void start_round() { next_round_delivered_ = delivery_.delivered(); }
  void update_round(const Step& step);
  void update_latest_delivery(const Step& step);
  void advance_latest_delivery(const Step& step);
  void update_congestion_signals(const Step& step);
  void update_max_bw(const Step& step);
  void advance_max_bw_filter();
  void update_ack_aggregation(const Step& step);
  void update_min_rtt(const Step& step);
  void lower_bounds(const Window& window);
  void reset_congestion_signals();
  void reset_shortterm_model();
  void reset_full_bw();
  void note_loss(const Window& window);
  void take_ecn_echo(const Step& step);
  void set_undo_point();
  void save_state_upon_loss(const Window& window);
  void handle_inflight_too_high(const Window& window, Instant now, const RateSample& sample);
  static bool is_inflight_too_high(const RateSample& sample, bool sack);
  static Bytes inflight_at_loss(const RateSample& sample, Bytes size);

  // ---- bbr_output.cpp: rate and window
  void set_pacing_rate(uint32_t gain);
  void set_cwnd(const Step& step);
  void bound_cwnd(Window& window) const;
  uint32_t pacing_gain() const;
  uint32_t cwnd_gain() const;
  Bytes bdp(uint64_t bw, uint32_t gain) const;
  Bytes with_budget(const Window& window, Bytes inflight) const;
  Bytes inflight(const Window& window, uint64_t bw, uint32_t gain) const { return with_budget(window, bdp(bw, gain)); }
  Bytes target_inflight(const Window& window) const { return std::min(bdp(bw_, 100), window.cwnd); }
  Bytes inflight_with_headroom(const Window& window) const;
  Bytes probe_rtt_cwnd(const Window& window) const;
  static Bytes min_pipe(const Window& window) { return window.segments(kMinPipeSegments); }
  void save_cwnd(const Window& window);
  void restore_cwnd(Window& window) const { window.cwnd = std::max(window.cwnd, prior_cwnd_); }

  DeliveryRate delivery_;
  // ---- the model of the path
  uint64_t max_bw_filter_[2] = {};  // of the ProbeBW cycle before and of this one
  uint64_t bw_ = 0;
  uint64_t bw_shortterm_ = kInfiniteRate;
  uint64_t bw_latest_ = 0;
  uint64_t full_bw_ = 0;
  uint64_t pacing_rate_ = 0;
  Micros min_rtt_ = kNoRtt;
  Micros probe_rtt_min_delay_ = kNoRtt;
  Instant min_rtt_stamp_{};
  Instant probe_rtt_min_stamp_{};
  Instant probe_rtt_done_stamp_ = kNever;  // kNever: not set
  Instant cycle_stamp_{};
  Instant extra_acked_start_{};
  Micros bw_probe_wait_{};
  WindowedMax<Bytes> extra_acked_;
  Bytes extra_acked_delivered_ = 0;
  Bytes inflight_longterm_ = kInfinite;
  Bytes inflight_shortterm_ = kInfinite;
  Bytes inflight_latest_ = 0;
  Bytes initial_window_;
  Bytes prior_cwnd_ = 0;
  Bytes probe_up_acked_per_inc_ = kInfinite;
  Bytes bw_probe_up_acked_ = 0;
  // ---- rounds; counts of delivered octets are modulo 2^32
  uint32_t round_count_ = 0;
  uint32_t next_round_delivered_ = 0;
  uint32_t loss_round_delivered_ = 0;
  uint32_t rounds_since_probe_up_ = 0;
  uint32_t drain_start_round_ = 0;
  uint32_t recovery_round_ = 0;  // in which recovery began
  uint32_t echo_round_ = 0;      // of the latest ECN echo in Startup
  uint32_t delivered_bound_ = 0; // octets delivered, up to the initial window
  // ---- to go back to
  uint64_t undo_bw_shortterm_ = 0;
  Bytes undo_inflight_shortterm_ = 0;
  Bytes undo_inflight_longterm_ = 0;
  State undo_state_ = State::Drain;  // Drain: none

  uint32_t random_;
  Seq lost_end_;  // of the latest lost range
  State state_ = State::Startup;
  AckPhase ack_phase_ = AckPhase::Init;
  uint8_t full_bw_count_ = 0;
  uint8_t bw_probe_up_rounds_ = 0;
  uint8_t lost_ranges_ = 0;  // in this round of loss
  uint8_t startup_ecn_rounds_ = 0;  // in succession
  bool started_ = false;
  bool full_bw_now_ = false;
  bool full_bw_reached_ = false;
  bool round_start_ = false;
  bool loss_round_start_ = false;
  bool is_loss_in_round_ = false;
  bool is_ecn_in_round_ = false;
  bool ecn_echoed_ = false;  // the acknowledgement under way has it
  bool is_state_saved_ = false;  // before the losses of this round
  bool is_bw_probe_sample_ = false;
  bool prev_probe_too_high_ = false;
  bool prev_probe_precautionary_ = false;
  bool probe_rtt_expired_ = false;
  bool probe_rtt_round_done_ = false;
  bool idle_restart_ = false;
  bool in_recovery_ = false;
  bool cwnd_limited_ = false;       // in this round
  bool was_cwnd_limited_ = false;   // in the one before
  bool is_cwnd_limited() const { return cwnd_limited_ || was_cwnd_limited_; }
};
static_assert(sizeof(Bbr) <= 2032, "a block of payload memory holds it");

std::string_view name_of(Bbr::State state);

}  // namespace millrace::cc
