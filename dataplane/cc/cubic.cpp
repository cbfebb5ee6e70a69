#include "cc/cubic.h"

#include <algorithm>

namespace millrace::cc {

namespace {

// Milliseconds of the shard's clock, which wrap after 49 days: differences are what counts.
uint32_t clock_ms(Instant at) { return static_cast<uint32_t>(at.time_since_epoch().count() / 1000); }

// The largest r with r^3 <= value.
uint32_t cube_root(uint64_t value) {
  constexpr uint64_t kMost = 2'642'245;  // its cube is the largest below 2^64
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 21; bit != 0; bit >>= 1) {
    const uint64_t next = root | bit;
    if (next <= kMost && next * next * next <= value) root = next;
  }
  return static_cast<uint32_t>(root);
}

// alpha_cubic (RFC 9438 §4.3) is 3 * (1 - beta) / (1 + beta) = 9 / 17.
constexpr uint64_t kAlphaOver = 9, kAlphaUnder = 17;
// Fast convergence (§4.7): (1 + beta) / 2 = 17 / 20.
constexpr uint64_t kConvergeOver = 17, kConvergeUnder = 20;

Bytes share(Bytes of, uint64_t over, uint64_t under) { return static_cast<Bytes>(of * over / under); }

}  // namespace

Bytes Cubic::w_cubic(Bytes w_max, Bytes smss, int64_t elapsed_ms) {
  // C * t^3 segments with C = 0.4 and t in seconds is 4e-10 * t^3 in milliseconds. Beyond 2^20 ms (17 minutes)
  // any window is at its end; the cube stays below 2^60.
  constexpr int64_t kMost = 1 << 20;
  const int64_t t = std::clamp<int64_t>(elapsed_ms, -kMost, kMost);
  const int64_t octets = t * t * t / 1'000'000 * 4 * smss / 10'000;
  return static_cast<Bytes>(std::clamp<int64_t>(w_max + octets, 0, kMaxWindow));
}

uint32_t Cubic::k_ms(Bytes below, Bytes smss) {
  // (below / smss / 0.4)^(1/3) seconds.
  return cube_root(below * uint64_t{2'500'000'000} / std::max<Bytes>(smss, 1));
}

void Cubic::open(Window& window) {
  window.stage = window.first_slow_start() ? kFirst : kReduced;
  if (stage_of(window) == kFirst)
    start_ = HyStart();
  else
    avoid_ = Avoidance();
}

void Cubic::on_ack(Window& window, const Ack& ack) {
  if (window.slow_start()) return slow_start(window, ack);
  const uint32_t now_ms = clock_ms(ack.now);
  if (stage_of(window) != kEpoch) {
    if (ack.app_limited) return;
    leave_first(window);  // by having no larger window to go to
    begin_epoch(window, now_ms);
  }
  pass_over(ack, now_ms);
  if (ack.app_limited) return;  // RFC 9438 §5.8
  grow_estimate(window, ack.acked);
  const auto elapsed = int64_t{static_cast<int32_t>(now_ms - avoid_.origin_ms)};
  if (w_cubic(avoid_.w_max, window.smss, elapsed) < avoid_.w_est) {  // §4.3, the Reno-friendly region
    window.cwnd = std::clamp(avoid_.w_est, window.cwnd, kMaxWindow);
    return;
  }
  // §4.2: towards where the window should be in a round trip, but never by more than half a window.
  const Bytes ahead = w_cubic(avoid_.w_max, window.smss, elapsed + ack.srtt.count() / 1000);
  const Bytes target = std::clamp(ahead, window.cwnd, window.cwnd + window.cwnd / 2);
  // §4.4, §4.5: (target - cwnd) / cwnd for each segment that is acknowledged.
  const uint64_t due = uint64_t{target - window.cwnd} * ack.acked + avoid_.rest;
  avoid_.rest = static_cast<Bytes>(due % window.cwnd);
  window.grow(static_cast<Bytes>(due / window.cwnd));
}

void Cubic::slow_start(Window& window, const Ack& ack) {
  if (stage_of(window) != kFirst) {
    // RFC 3465 §2.3: after a time-out one acknowledgement may tell of much that had arrived before.
    window.grow(std::min(ack.acked, window.segments(stage_of(window) == kAfterTimeout ? 1 : 2)));
    return;
  }
  window.grow(start_.on_ack(ack, window.smss));
  if (!start_.done()) return;
  // RFC 9406 §4.2, RFC 9438 §4.10: W_max is undefined.
  window.ssthresh = window.cwnd;
  leave_first(window);
}

void Cubic::leave_first(Window& window) {
  if (stage_of(window) != kFirst) return;
  window.stage = kReduced;
  avoid_ = Avoidance();
}

void Cubic::begin_epoch(Window& window, uint32_t now_ms) {
  Avoidance& avoid = avoid_;
  avoid.last_ms = now_ms;
  avoid.w_est = window.cwnd;
  avoid.est_acked = avoid.rest = 0;
  // §4.8, §4.10: without a W_max to go back to K is 0.
  const bool known = avoid.w_max > window.cwnd && stage_of(window) != kAfterTimeout;
  avoid.origin_ms = now_ms + (known ? k_ms(avoid.w_max - window.cwnd, window.smss) : 0);
  if (!known) {
    avoid.w_max = window.cwnd;
    window.stage = 0;
  }
  set_stage(window, kEpoch);
}

// RFC 9438 §4.2: t leaves out the time in which the window was not in use. Between acknowledgements that is what
// had passed when the segment left that this one acknowledges: an earlier one would have let it go.
void Cubic::pass_over(const Ack& ack, uint32_t now_ms) {
  Avoidance& avoid = avoid_;
  const uint32_t since = now_ms - avoid.last_ms;
  avoid.last_ms = now_ms;
  if (ack.app_limited) {
    avoid.origin_ms += since;
  } else if (ack.rtt != Micros{}) {
    const auto flown = static_cast<uint32_t>(std::min<int64_t>(ack.rtt.count() / 1000 + 1, since));
    avoid.origin_ms += since - flown;
  }
  // A stage without loss for days: the clock's half turn must not be taken for the time before.
  constexpr uint32_t kLongest = 1 << 21;
  if (static_cast<int32_t>(now_ms - avoid.origin_ms) > static_cast<int32_t>(kLongest))
    avoid.origin_ms = now_ms - kLongest;
}

void Cubic::grow_estimate(const Window& window, Bytes acked) {
  Avoidance& avoid = avoid_;
  const Bytes prior = (window.stage & kConverged) != 0 ? share(avoid.w_max, kConvergeUnder, kConvergeOver) : avoid.w_max;
  const bool as_reno = avoid.w_est >= prior;  // alpha is 1
  const uint64_t over = as_reno ? 1 : kAlphaOver, under = as_reno ? 1 : kAlphaUnder;
  avoid.est_acked += acked;
  const uint64_t a_segment = window.cwnd * under / over;  // octets acknowledged for it to grow by one
  if (avoid.est_acked < a_segment) return;
  avoid.est_acked = static_cast<Bytes>(std::min<uint64_t>(avoid.est_acked - a_segment, a_segment));
  avoid.w_est = std::min(avoid.w_est + window.smss, kMaxWindow);
}

void Cubic::on_congestion(Window& window, Bytes in_flight) {
  leave_first(window);
  // §4.7: a saturation point that moves down makes room for others. (Without a W_max it has not moved.)
  const bool converges = window.cwnd < avoid_.w_max;
  avoid_.w_max = converges ? share(window.cwnd, kConvergeOver, kConvergeUnder) : window.cwnd;
  window.stage = static_cast<uint8_t>(kReduced | (converges ? kConverged : 0));
  window.ssthresh = std::max(share(in_flight, kBetaTenths, 10), window.segments(2));
}

void Cubic::on_timeout(Window& window) {
  leave_first(window);
  avoid_.w_max = 0;
  window.stage = kAfterTimeout;
}

void Cubic::on_idle_restart(Window& window) {
  if (stage_of(window) == kFirst)
    start_ = HyStart();  // the round trips of before tell nothing
  else if (stage_of(window) == kEpoch && window.slow_start())
    set_stage(window, kReduced);
}

}  // namespace millrace::cc
