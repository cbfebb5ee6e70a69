// Delivery-rate samples (draft-ietf-ccwg-bbr §4.1), on timelines that are worked out by hand.
#include "cc/delivery_rate.h"

#include <gtest/gtest.h>

#include "cc/windowed_max.h"

namespace millrace::cc {
namespace {

constexpr Bytes kSmss = 1000;

Instant at(int64_t micros) { return Instant{Micros(micros)}; }

TEST(DeliveryRate, OneSegmentARoundTrip_IsItsOctetsOverTheRoundTrip) {
  DeliveryRate rate;
  rate.on_sent(at(1000), kSmss, kSmss);
  rate.on_arrival(at(1000), kSmss, at(11'000));
  const RateSample sample = rate.take(0us);
  EXPECT_TRUE(sample.known);
  EXPECT_EQ(sample.newly_acked, kSmss);
  EXPECT_EQ(sample.delivered, kSmss);
  EXPECT_EQ(sample.rate, 100'000U);
  EXPECT_EQ(sample.tx_in_flight, kSmss);
  EXPECT_EQ(rate.take(0us).newly_acked, 0U) << "told once";
}

// Ten segments, 1 ms apart, acknowledged in one lump: they were not delivered faster than they were sent.
TEST(DeliveryRate, CompressedAcknowledgements_AreBoundByTheRateOfSending) {
  DeliveryRate rate;
  for (int i = 0; i < 20; ++i) rate.on_sent(at(1000 * i), kSmss, (i + 1) * kSmss);
  for (int i = 0; i < 10; ++i) rate.on_arrival(at(1000 * i), kSmss, at(50'000 + i));
  rate.take(0us);
  for (int i = 10; i < 20; ++i) rate.on_arrival(at(1000 * i), kSmss, at(50'020 + i));
  const RateSample sample = rate.take(0us);
  EXPECT_LE(sample.rate, 1'060'000U);
}

// A segment that left behind the acknowledgement of others measures from that on.
TEST(DeliveryRate, SteadyFlow_IsMeasuredExactly) {
  DeliveryRate rate;
  Bytes in_flight = 0;
  RateSample sample;
  for (int i = 0; i < 200; ++i) {  // 1 Mbyte/s, 20 ms there and back
    if (i >= 20) {
      rate.on_arrival(at(1000 * (i - 20)), kSmss, at(1000 * i));
      in_flight -= kSmss;
      sample = rate.take(20ms);
      if (i > 60) {
        EXPECT_EQ(sample.rate, 1'000'000U) << i;
      }
    }
    in_flight += kSmss;
    rate.on_sent(at(1000 * i), kSmss, in_flight);
  }
  EXPECT_EQ(sample.delivered, 20 * kSmss);
}

TEST(DeliveryRate, IntervalBelowTheLeastRoundTrip_IsNoSample) {
  DeliveryRate rate;
  rate.on_sent(at(0), kSmss, kSmss);
  rate.on_arrival(at(0), kSmss, at(100));
  const RateSample sample = rate.take(10ms);
  EXPECT_TRUE(sample.known);
  EXPECT_EQ(sample.rate, 0U);
}

TEST(DeliveryRate, AppLimited_MarksARoundTripAndNoMore) {
  DeliveryRate rate;
  rate.on_sent(at(0), kSmss, kSmss);
  rate.mark_app_limited(kSmss);
  rate.on_sent(at(10), kSmss, 2 * kSmss);
  rate.on_arrival(at(0), kSmss, at(5000));
  EXPECT_FALSE(rate.take(0us).app_limited) << "it left before";
  rate.on_arrival(at(10), kSmss, at(5010));
  EXPECT_TRUE(rate.take(0us).app_limited);
  EXPECT_FALSE(rate.app_limited()) << "what was in flight has arrived";
  rate.on_sent(at(6000), kSmss, kSmss);
  rate.on_arrival(at(6000), kSmss, at(11'000));
  EXPECT_FALSE(rate.take(0us).app_limited);
}

TEST(DeliveryRate, Losses_AreCountedSinceTheDeparture) {
  DeliveryRate rate;
  for (int i = 0; i < 4; ++i) rate.on_sent(at(i), kSmss, (i + 1) * kSmss);
  rate.on_lost(kSmss);
  const RateSample at_loss = rate.at_loss(at(0));
  EXPECT_EQ(at_loss.lost, kSmss);
  EXPECT_EQ(at_loss.tx_in_flight, kSmss);
  rate.on_arrival(at(3), kSmss, at(1000));
  const RateSample sample = rate.take(0us);
  EXPECT_EQ(sample.lost, kSmss);
  EXPECT_EQ(sample.tx_in_flight, 4 * kSmss);
}

TEST(DeliveryRate, WhatLeftBeforeItWasKept_IsCountedAndIsNoSample) {
  DeliveryRate rate;
  rate.on_arrival(at(5), kSmss, at(1000));
  const RateSample sample = rate.take(0us);
  EXPECT_EQ(sample.newly_acked, kSmss);
  EXPECT_FALSE(sample.known);
  EXPECT_FALSE(rate.at_loss(at(5)).known);
}

// The list is bounded; what it forgets makes samples begin earlier, and their rate stays what it is.
TEST(DeliveryRate, ThousandsOfDepartures_BecomeCoarserAndStayRight) {
  DeliveryRate rate;
  Bytes in_flight = 0;
  for (int i = 0; i < 20'000; ++i) {  // 10 Mbyte/s, 200 ms: 2000 departures in flight
    if (i >= 2000) {
      rate.on_arrival(at(100 * (i - 2000)), kSmss, at(100 * i));
      in_flight -= kSmss;
      const RateSample sample = rate.take(200ms);
      if (i > 6000) {
        ASSERT_NEAR(static_cast<double>(sample.rate), 10e6, 1e5) << i;
        ASSERT_LE(sample.delivered, 2300 * kSmss);
      }
    }
    in_flight += kSmss;
    rate.on_sent(at(100 * i), kSmss, in_flight);
    ASSERT_LE(rate.departures(), DeliveryRate::kDepartures);
  }
}

TEST(DeliveryRate, ClocksAndCountsThatWrap_ChangeNothing) {
  DeliveryRate rate;
  const int64_t begin = (int64_t{1} << 32) - 5000;
  rate.on_sent(at(begin), 1U << 30, 1U << 30);
  for (int i = 1; i <= 8; ++i) {
    rate.on_arrival(at(begin + 10'000 * (i - 1)), 1U << 30, at(begin + 10'000 * i));
    EXPECT_EQ(rate.take(0us).rate, (uint64_t{1} << 30) * 100) << i;
    rate.on_sent(at(begin + 10'000 * i), 1U << 30, 1U << 30);
  }
}

TEST(WindowedMax, HoldsTheGreatestOfLateAndThenTheNext) {
  WindowedMax<uint32_t> most;
  EXPECT_EQ(most.value(), 0U);
  most.update(10, 0, 10);
  most.update(7, 3, 10);
  most.update(5, 6, 10);
  EXPECT_EQ(most.value(), 10U);
  most.update(1, 9, 10);
  EXPECT_EQ(most.value(), 10U);
  most.update(1, 10, 10);
  EXPECT_EQ(most.value(), 7U);
  most.update(1, 13, 10);
  EXPECT_EQ(most.value(), 5U);
  most.update(20, 14, 10);
  EXPECT_EQ(most.value(), 20U);
  most.update(3, 24, 10);
  EXPECT_EQ(most.value(), 3U);
  most.update(1, 25, 1);
  EXPECT_EQ(most.value(), 1U);
}

}  // namespace
}  // namespace millrace::cc
