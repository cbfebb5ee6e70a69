// How fast a path delivers: a sample an acknowledgement, as draft-ietf-ccwg-bbr §4.1 has it (before that
// draft-cheng-iccrg-delivery-rate-estimation). What a segment's departure has to remember is the same for all that
// leave at one instant, so it is kept by instant and not by segment, in a bounded list that becomes coarser when it is
// full: a sample then begins a little earlier than it might. Counts of octets are modulo 2^32. Plain state; neighbour:
// bbr.h, for which alone it is kept.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"
#include "base/units.h"

namespace millrace::cc {

// RS: what one acknowledgement, or one loss, tells.
struct RateSample {
  Bytes newly_acked = 0;         // octets delivered since the last sample
  Bytes delivered = 0;           // RS.delivered: since the newest of them left
  uint64_t rate = 0;             // RS.delivery_rate, octets a second; 0: no sample
  uint32_t prior_delivered = 0;  // P.delivered
  Bytes tx_in_flight = 0;        // when that one left, with it
  Bytes lost = 0;                // since then
  bool app_limited = false;      // when it left, or less than a round trip before
  bool known = false;            // its departure is remembered: else none of the six above is
};

class DeliveryRate {
 public:
  static constexpr uint16_t kDepartures = 64;

  // `octets` leave, `in_flight` with them.
  void on_sent(Instant now, Bytes octets, Bytes in_flight);
  // `octets` that left at `sent_at`, the last time, have arrived: any number of times for an acknowledgement.
  void on_arrival(Instant sent_at, Bytes octets, Instant now);
  void on_lost(Bytes octets) { lost_ += octets; }
  // After the arrivals. An interval shorter than `min_rtt` is that of a retransmission whose original has arrived.
  RateSample take(Micros min_rtt);
  // What a loss tells of what left at `sent_at`.
  RateSample at_loss(Instant sent_at) const;

  // C.app_limited: there was nothing to send, so that what is delivered up to here says nothing of the path.
  void mark_app_limited(Bytes in_flight) {
    app_limited_ = true;
    app_limited_until_ = delivered_ + in_flight;
  }
  bool app_limited() const { return app_limited_; }
  uint32_t delivered() const { return delivered_; }
  uint16_t departures() const { return count_; }

 private:
  // Times in microseconds, modulo 2^32.
  struct Departure {
    uint32_t at_us;
    uint32_t first_sent_us;    // C.first_send_time
    uint32_t delivered_at_us;  // C.delivered_time
    uint32_t delivered;        // C.delivered
    uint32_t lost;             // C.lost
    uint32_t in_flight : 31;
    uint32_t app_limited : 1;
  };
  static_assert(sizeof(Departure) == 24);

  static uint32_t micros(Instant at) { return static_cast<uint32_t>(at.time_since_epoch().count()); }
  static bool before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }
  Departure& at(uint16_t i) { return departures_[(first_ + i) % kDepartures]; }
  const Departure& at(uint16_t i) const { return departures_[(first_ + i) % kDepartures]; }
  // The last one not after `at_us`; nullptr: none is remembered.
  const Departure* find(uint32_t at_us) const;
  void make_room(uint32_t now_us);

  uint32_t delivered_ = 0;        // C.delivered
  uint32_t lost_ = 0;             // C.lost
  uint32_t delivered_at_us_ = 0;  // C.delivered_time
  uint32_t first_sent_us_ = 0;    // C.first_send_time
  uint32_t app_limited_until_ = 0;
  bool app_limited_ = false;
  // Of the acknowledgement under way.
  bool has_data_ = false;
  Bytes newly_acked_ = 0;
  uint32_t sent_us_ = 0;
  Departure newest_{};
  uint32_t spacing_us_ = 0;  // of departures, where there is room for no more
  uint16_t first_ = 0;
  uint16_t count_ = 0;
  std::array<Departure, kDepartures> departures_;
};

}  // namespace millrace::cc
