// Names and values of impairments: what is taken, and what is refused with a sentence.
#include "sim/impairments.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace millrace::sim::test {
namespace {

LinkParams parsed(std::string_view text) {
  LinkParams params;
  EXPECT_EQ(parse(text, params), "") << text;
  return params;
}
std::string refusal(std::string_view text) {
  LinkParams params;
  return parse(text, params);
}

TEST(Impairments, Values_WithTheirUnits) {
  const LinkParams params = parsed(
      "rate=10M,delay=1.5ms,jitter=200us,limit=64,mtu=1400,loss=1%,burst-begins=50ppm,burst-ends=25%,burst-loss=90%,"
      "reorder=2%,reorder-by=3ms,duplicate=0.5%,corrupt=100ppm");
  EXPECT_EQ(params.bits_per_second, 10'000'000U);
  EXPECT_EQ(params.delay, 1500us);
  EXPECT_EQ(params.jitter, 200us);
  EXPECT_EQ(params.queue_frames, 64U);
  EXPECT_EQ(params.mtu, 1400U);
  EXPECT_EQ(params.faults.loss_ppm, 10'000U);
  EXPECT_EQ(params.faults.burst_begins_ppm, 50U);
  EXPECT_EQ(params.faults.burst_ends_ppm, 250'000U);
  EXPECT_EQ(params.faults.burst_loss_ppm, 900'000U);
  EXPECT_EQ(params.faults.reordering_ppm, 20'000U);
  EXPECT_EQ(params.faults.jitter, 3ms);
  EXPECT_EQ(params.faults.duplication_ppm, 5'000U);
  EXPECT_EQ(params.faults.corruption_ppm, 100U);
}

TEST(Impairments, Queues_ByName) {
  EXPECT_EQ(parsed("queue=drop-tail").queue.discipline, Discipline::DropTail);
  const LinkParams codel = parsed("queue=codel-ecn,target=2ms,interval=50ms");
  EXPECT_EQ(codel.queue.discipline, Discipline::CoDel);
  EXPECT_TRUE(codel.queue.ecn);
  EXPECT_EQ(codel.queue.target, 2ms);
  EXPECT_EQ(codel.queue.interval, 50ms);
  EXPECT_FALSE(parsed("queue=codel").queue.ecn);
  EXPECT_EQ(parsed("queue=ecn-step").queue.discipline, Discipline::EcnStep);
}

TEST(Impairments, WhatIsNotNamed_StaysAsItWas) {
  LinkParams params{.delay = 7ms, .bits_per_second = 5};
  EXPECT_EQ(parse("loss=1%", params), "");
  EXPECT_EQ(params.delay, 7ms);
  EXPECT_EQ(params.bits_per_second, 5U);
  EXPECT_EQ(parse("", params), "");
}

TEST(Impairments, Nonsense_IsRefusedByName) {
  EXPECT_EQ(refusal("colour=red"), "there is no impairment called 'colour'");
  EXPECT_EQ(refusal("delay"), "'delay': delay wants time");
  for (const char* text : {"delay=5", "delay=-1ms", "delay=2000s", "delay=xms", "delay=", "loss=101%", "loss=1", "rate=1T",
                           "rate=nan", "limit=1e9", "mtu=70000", "queue=red", "mtu=inf", "delay=1ms2"})
    EXPECT_NE(refusal(text), "") << text;
}

TEST(Impairments, Names_AreThereOnceAndExplained) {
  std::set<std::string_view> names;
  for (const Impairment& one : impairments()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_FALSE(one.unit.empty());
  }
}

// The same seed decides the same.
TEST(Impairments, Seed_RepeatsTheRun) {
  const LinkParams params =
      parsed("rate=1M,delay=1ms,jitter=1ms,loss=5%,duplicate=5%,corrupt=5%,reorder=5%,reorder-by=5ms");
  std::vector<std::vector<uint8_t>> runs[2];
  std::vector<Instant> arrivals[2];
  for (int run = 0; run < 2; ++run) {
    uint64_t ids = 0;
    Link link(params, 77, ids);
    Instant now{1s};
    for (uint8_t i = 0; i < 250; ++i) link.send(std::vector<uint8_t>(60, i), now += 1ms);
    while (const auto flight = link.take(kNever - 1us)) {
      runs[run].push_back(flight->octets);
      arrivals[run].push_back(flight->arrives_at);
    }
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(arrivals[0], arrivals[1]);
}

}  // namespace
}  // namespace millrace::sim::test
