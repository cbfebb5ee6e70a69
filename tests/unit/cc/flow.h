// A sender whose window is always in use, on a path that takes `rtt` and loses nothing by itself.
#pragma once

#include "cc/controller.h"

namespace millrace::cc {

class Flow {
 public:
  static constexpr uint16_t kSmss = 1000;

  explicit Flow(Algorithm algorithm, Micros round_trip, uint16_t smss = kSmss) : rtt(round_trip) {
    cc.open(algorithm, smss, 10);
    snd_nxt = snd_una + cc.cwnd();
  }
  double segments() const { return static_cast<double>(cc.cwnd()) / cc.smss(); }
  double seconds() const { return std::chrono::duration<double>(now - Instant{1s}).count(); }

  // One acknowledgement of `octets`, at this instant.
  void acknowledge(Bytes octets, bool app_limited = false) {
    snd_una += octets;
    cc.on_ack({.now = now,
               .ack = snd_una,
               .snd_nxt = snd_nxt,
               .acked = octets,
               .delivered = octets,
               .in_flight = app_limited ? octets : cc.cwnd(),
               .rtt = rtt,
               .srtt = rtt,
               .app_limited = app_limited});
    snd_nxt = snd_una + cc.cwnd();
  }
  // A round trip in which the whole window is acknowledged, evenly.
  void round() {
    const uint32_t acks = std::max<Bytes>(1, cc.cwnd() / cc.smss());
    const Instant begin = now;
    for (uint32_t i = 1; i <= acks; ++i) {
      now = begin + rtt * i / acks;
      acknowledge(cc.smss());
    }
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) round();
  }
  void run_to(double second) {
    while (seconds() < second) round();
  }
  // Loss, repaired within a round trip.
  void lose() {
    cc.on_enter_recovery(now, cc.cwnd());
    now += rtt;
    cc.on_exit_recovery(now);
    snd_una = snd_nxt;
    snd_nxt = snd_una + cc.cwnd();
  }
  void time_out(Bytes in_flight) {
    cc.on_timeout(now, in_flight, true);
    snd_nxt = snd_una + cc.cwnd();
  }
  // Slow start ends at so many segments, by loss.
  void grow_to(Bytes count) {
    while (cc.cwnd() < count * cc.smss()) acknowledge(cc.smss());
  }

  Controller cc;
  Instant now{1s};
  Micros rtt;
  Seq snd_una{0xffff'f000};  // wraps soon
  Seq snd_nxt;
};

}  // namespace millrace::cc
