#include "cc/delivery_rate.h"

#include <algorithm>

namespace millrace::cc {

void DeliveryRate::on_sent(Instant now, Bytes octets, Bytes in_flight) {
  const uint32_t now_us = micros(now);
  if (in_flight <= octets) {  // nothing was in flight: the clock of delivery begins now
    first_sent_us_ = delivered_at_us_ = now_us;
    count_ = 0;
    spacing_us_ = 0;
  }
  if (count_ != 0) {
    Departure& last = at(static_cast<uint16_t>(count_ - 1U));
    if (last.at_us == now_us) last.in_flight = in_flight & 0x7fff'ffff;
    if (now_us - last.at_us < std::max(spacing_us_, 1U)) return;
  }
  if (count_ == kDepartures) make_room(now_us);
  at(count_++) = {.at_us = now_us,
                  .first_sent_us = first_sent_us_,
                  .delivered_at_us = delivered_at_us_,
                  .delivered = delivered_,
                  .lost = lost_,
                  .in_flight = in_flight & 0x7fff'ffff,
                  .app_limited = app_limited_ ? 1U : 0U};
}

// What left more than a round trip before the newest that has arrived is not waited for much longer. Of the rest, two
// round trips, as many as leave room are kept, evenly.
void DeliveryRate::make_room(uint32_t now_us) {
  constexpr uint16_t kKept = kDepartures / 4 * 3;
  const uint32_t round_us = now_us - first_sent_us_;
  while (count_ > 1 && !before(first_sent_us_ - round_us, at(1).at_us)) {
    first_ = static_cast<uint16_t>((first_ + 1U) % kDepartures);
    --count_;
  }
  spacing_us_ = 0;
  if (count_ <= kKept) return;
  spacing_us_ = std::max<uint32_t>((now_us - at(0).at_us) / kKept, 1);
  uint16_t kept = 1;
  for (uint16_t i = 1; i < count_; ++i)
    if (at(i).at_us - at(static_cast<uint16_t>(kept - 1U)).at_us >= spacing_us_) at(kept++) = at(i);
  count_ = kept;
}

const DeliveryRate::Departure* DeliveryRate::find(uint32_t at_us) const {
  uint16_t low = 0, high = count_;  // those before `low` are not after it
  while (low < high) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    if (before(at_us, at(middle).at_us))
      high = middle;
    else
      low = static_cast<uint16_t>(middle + 1U);
  }
  return low == 0 ? nullptr : &at(static_cast<uint16_t>(low - 1U));
}

void DeliveryRate::on_arrival(Instant sent_at, Bytes octets, Instant now) {
  delivered_ += octets;
  delivered_at_us_ = micros(now);
  newly_acked_ += octets;
  const uint32_t sent_us = micros(sent_at);
  if (has_data_ && before(sent_us, first_sent_us_)) return;
  const Departure* departure = find(sent_us);
  if (departure == nullptr) return;
  has_data_ = true;
  newest_ = *departure;
  sent_us_ = first_sent_us_ = sent_us;
}

RateSample DeliveryRate::take(Micros min_rtt) {
  if (app_limited_ && before(app_limited_until_, delivered_)) app_limited_ = false;  // the bubble is gone
  RateSample sample{.newly_acked = newly_acked_};
  newly_acked_ = 0;
  if (!has_data_) return sample;
  has_data_ = false;
  sample.known = true;
  sample.prior_delivered = newest_.delivered;
  sample.delivered = delivered_ - newest_.delivered;
  sample.tx_in_flight = newest_.in_flight;
  sample.lost = lost_ - newest_.lost;
  sample.app_limited = newest_.app_limited != 0;
  // Neither faster than it was sent nor faster than it was acknowledged.
  const uint32_t interval = std::max(sent_us_ - newest_.first_sent_us, delivered_at_us_ - newest_.delivered_at_us);
  if (interval != 0 && interval >= min_rtt.count())
    sample.rate = uint64_t{sample.delivered} * 1'000'000 / interval;
  return sample;
}

RateSample DeliveryRate::at_loss(Instant sent_at) const {
  const Departure* departure = find(micros(sent_at));
  if (departure == nullptr) return {};
  return {.tx_in_flight = departure->in_flight,
          .lost = lost_ - departure->lost,
          .app_limited = departure->app_limited != 0,
          .known = true};
}

}  // namespace millrace::cc
