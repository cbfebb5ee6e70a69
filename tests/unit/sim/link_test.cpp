// What a link does to frames: delay, rate, queue, and the faults carried out.
#include "sim/link.h"

#include <gtest/gtest.h>

#include "frames.h"
#include "sim/clock.h"

namespace millrace::sim::test {
namespace {

using Octets = std::vector<uint8_t>;

struct Departures final : DepartureObserver {
  void departed(const Flight& flight, std::span<const uint8_t> sent) override {
    flights.push_back(flight);
    originals.emplace_back(sent.begin(), sent.end());
  }
  std::vector<Flight> flights;
  std::vector<Octets> originals;
};

struct LinkTest : testing::Test {
  Link link_with(const LinkParams& params) { return Link(params, 1, ids); }
  uint64_t ids = 0;
  Instant start = kBeginning;
  Departures departures;
};

TEST_F(LinkTest, FrameArrivesAfterTheDelay_NotBefore) {
  Link link = link_with({.delay = 10ms});
  EXPECT_EQ(link.next_arrival(), kNever);
  link.send(Octets{1, 2, 3}, start);
  EXPECT_EQ(link.next_arrival(), start + 10ms);
  EXPECT_FALSE(link.take(start + 10ms - 1us));
  const auto flight = link.take(start + 10ms);
  ASSERT_TRUE(flight);
  EXPECT_EQ(flight->octets, (Octets{1, 2, 3}));
  EXPECT_EQ(link.in_flight(), 0U);
}

TEST_F(LinkTest, FramesOfOneInstantKeepTheirOrder) {
  Link link = link_with({.delay = 1ms});
  for (uint8_t i = 0; i < 50; ++i) link.send(Octets{i}, start);
  for (uint8_t i = 0; i < 50; ++i) EXPECT_EQ(link.take(start + 1ms)->octets, Octets{i});
}

TEST_F(LinkTest, Rate_SpacesFramesAndFullQueueLosesThem) {
  Link link = link_with({.delay = 1ms, .bits_per_second = 8'000'000, .queue_frames = 2});
  for (int i = 0; i < 3; ++i) link.send(Octets(1000), start, &departures);  // 1 ms each
  ASSERT_EQ(departures.flights.size(), 3U);
  EXPECT_EQ(departures.flights[0].arrives_at, start + 2ms);
  EXPECT_EQ(departures.flights[1].arrives_at, start + 3ms);
  EXPECT_EQ(departures.flights[2].fate, Fate::Overflown);
  link.send(Octets(1000), start + 1ms, &departures);
  EXPECT_EQ(departures.flights[3].arrives_at, start + 4ms);
  link.send(Octets(1000), start + 100ms, &departures);
  EXPECT_EQ(departures.flights[4].arrives_at, start + 102ms);
}

// 10 Gbit/s carry 1,000 frames of 1514 octets in 1211.2 us: what a frame takes is no whole number of anything.
TEST_F(LinkTest, Rate_IsExactWhereAFrameTakesAMicrosecondAndABit) {
  for (const auto& [rate, octets, frames, took] :
       {std::tuple{uint64_t{10'000'000'000}, 1514, 1000, 1212us}, {100'000'000'000, 1514, 10'000, 1212us},
        {3'000'000'000, 1500, 1000, 4000us}, {1'000'000, 1514, 10, 121'120us}}) {
    Link link = link_with({.delay = 0us, .bits_per_second = rate, .queue_frames = 10'000});
    for (int i = 0; i < frames; ++i) link.send(Octets(static_cast<size_t>(octets)), start);
    Instant last{};
    while (const auto flight = link.take(kNever - 1us)) last = flight->arrives_at;
    EXPECT_EQ(last - start, took) << rate;
  }
}

TEST_F(LinkTest, TimeInTheQueue_IsTold) {
  Link link = link_with({.delay = 1ms, .bits_per_second = 8'000'000, .queue_frames = 10,
                         .faults = {.duplication_ppm = 1'000'000}});
  for (int i = 0; i < 3; ++i) link.send(Octets(1000), start + Micros{i * 100}, &departures);  // 1 ms each
  ASSERT_EQ(departures.flights.size(), 6U);
  EXPECT_EQ(departures.flights[0].waited, 0us);
  EXPECT_EQ(departures.flights[2].waited, 900us);
  EXPECT_EQ(departures.flights[4].waited, 1800us);
  EXPECT_EQ(departures.flights[5].waited, 1800us) << "a copy that the link makes behind the queue";
}

TEST_F(LinkTest, Loss_IsToldAndNothingArrives) {
  Link link = link_with({.faults = {.loss_ppm = 1'000'000}});
  link.send(Octets{1}, start, &departures);
  EXPECT_EQ(departures.flights.at(0).fate, Fate::Lost);
  EXPECT_EQ(departures.originals.at(0), Octets{1});
  EXPECT_EQ(link.in_flight(), 0U);
}

TEST_F(LinkTest, Duplication_MakesACopyThatSaysOfWhat) {
  Link link = link_with({.faults = {.duplication_ppm = 1'000'000}});
  link.send(Octets{1, 2}, start);
  const auto original = link.take(start + 10ms);
  const auto copy = link.take(start + 10ms);
  ASSERT_TRUE(original && copy);
  EXPECT_EQ(copy->fate, Fate::Duplicate);
  EXPECT_EQ(copy->copy_of, original->id);
  EXPECT_EQ(copy->octets, original->octets);
}

TEST_F(LinkTest, Corruption_DamagesTheFlightAndNotTheOriginal) {
  Link link = link_with({.faults = {.corruption_ppm = 1'000'000}});
  const Octets sent(100, 7);
  link.send(sent, start, &departures);
  EXPECT_EQ(departures.originals.at(0), sent);
  const auto flight = link.take(start + 10ms);
  ASSERT_TRUE(flight);
  EXPECT_EQ(flight->fate, Fate::Corrupted);
  EXPECT_NE(flight->octets, sent);
}

TEST_F(LinkTest, Jitter_LetsLaterFramesOvertake) {
  Link link = link_with({.delay = 1ms, .faults = {.reordering_ppm = 300'000, .jitter = 10ms}});
  for (uint8_t i = 0; i < 100; ++i) link.send(Octets{i}, start + Micros{i * 100});
  bool overtaken = false;
  for (int last = -1, i = 0; i < 100; ++i) {
    const auto flight = link.take(start + 1s);
    ASSERT_TRUE(flight);
    overtaken |= flight->octets[0] < last;
    last = flight->octets[0];
  }
  EXPECT_TRUE(overtaken);
}

TEST_F(LinkTest, NewParameters_HoldFromThenOn) {
  Link link = link_with({.delay = 10ms});
  link.send(Octets{1}, start);
  link.set_params({.delay = 30ms});
  link.send(Octets{2}, start);
  EXPECT_EQ(link.take(start + 10ms)->octets, Octets{1});
  EXPECT_EQ(link.next_arrival(), start + 30ms);
}

TEST_F(LinkTest, TwoWays_ShareTheCountOfFlights) {
  TwoWayLink cable({}, {}, 1, ids);
  cable.forward.send(Octets{1}, start, &departures);
  cable.backward.send(Octets{2}, start, &departures);
  EXPECT_EQ(departures.flights.at(0).id, 1U);
  EXPECT_EQ(departures.flights.at(1).id, 2U);
}

TEST(Flight, LandsInAPacketOfThePool) {
  HeapPool pool(1, 64);
  Flight flight;
  flight.octets = {1, 2, 3};
  Packet packet = flight.land(pool);
  ASSERT_TRUE(packet);
  EXPECT_EQ((Octets{packet.bytes().begin(), packet.bytes().end()}), flight.octets);
  EXPECT_FALSE(flight.land(pool));  // exhausted
  packet.reset();
  flight.octets.resize(65);
  EXPECT_FALSE(flight.land(pool));  // too small
  EXPECT_EQ(pool.outstanding(), 0U);
}

}  // namespace
}  // namespace millrace::sim::test
