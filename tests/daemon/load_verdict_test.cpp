// What a load is judged to be, from what was counted.
#include "control/load/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using config::LoadMode;
using services::load::LoadError;
using testing::HasSubstr;
using testing::StartsWith;

// A second of a thousand requests that nobody complains about.
LoadResult good() {
  LoadResult result;
  result.asked.to = {*config::parse_target("10.0.0.2:80")};
  result.seconds = 1;
  result.device = "net_ring0";
  result.measured.counts.requests = result.measured.counts.responses = 1000;
  result.measured.counts.established = 64;
  result.measured.open = 64;
  result.measured.loops = {{1000, 500}};
  result.whole = result.measured;
  return result;
}

void add(LoadSample& sample, LoadError error, uint64_t count) {
  sample.counts.errors[static_cast<size_t>(error)] = count;
}

TEST(LoadVerdict, RateThatIsKept_IsReached) {
  LoadResult result = good();
  for (const uint64_t rate : {0, 500, 1000, 1005}) {
    result.asked.rate = rate;
    EXPECT_TRUE(judge(result).reached) << rate;
  }
  result.asked.rate = 1100;
  EXPECT_FALSE(judge(result).reached);
  EXPECT_THAT(judge(result).sentence, StartsWith("reached 90.9 % of the rate: "));
}

TEST(LoadVerdict, WhatWasInTheWay_IsNamed) {
  LoadResult result = good();
  result.asked.rate = 2000;
  const auto says = [&](const std::string& words) { EXPECT_THAT(judge(result).sentence, HasSubstr(words)); };
  says("the server or the link is at its limit; our lcore was busy in 50 %");
  result.measured.pending = 64;
  says("all 64 connections x 1 requests were under way");
  result.measured.signs.retransmitted_segments = 100;
  says("100 segments were sent again");
  result.measured.signs.window_probes = 3;
  says("the server's window was closed 3 times");
  result.measured.loops = {{1000, 500}, {1000, 990}};
  says("our own lcore is at its limit, busy in 99 %");
  result.measured.signs.pool_empty = 7;
  says("our pool of mbufs was empty 7 times");
  add(result.measured, LoadError::NoPorts, 5);
  says("the source ports ran out 5 times");
  add(result.measured, LoadError::TableFull, 6);
  says("raise memory.connections");
}

TEST(LoadVerdict, NothingGotThrough_SaysWhy) {
  LoadResult result = good();
  result.measured.counts = {};
  result.measured.open = 0;
  result.whole = result.measured;
  const auto says = [&](const std::string& words) {
    EXPECT_FALSE(judge(result).reached);
    EXPECT_THAT(judge(result).sentence, StartsWith("nothing got through: "));
    EXPECT_THAT(judge(result).sentence, HasSubstr(words));
  };
  says("no SYN was answered by 10.0.0.2:80");
  result.whole.signs.neighbor_unreachable = 3;
  says("no neighbour answers");
  add(result.whole, LoadError::Refused, 9);
  says("does anything listen on 10.0.0.2:80?");
  add(result.whole, LoadError::Refused, 0);
  result.whole.counts.established = 5;
  result.whole.counts.requests = 5;
  says("takes connections and does not answer");
  result.link_up = false;
  says("the link is down: nobody is at the other end of net_ring0");
}

TEST(LoadVerdict, RequestsThatAllFail_AreNotReached) {
  LoadResult result = good();
  add(result.measured, LoadError::Status, 999);
  EXPECT_TRUE(judge(result).reached);
  EXPECT_THAT(judge(result).sentence, HasSubstr("999 errors"));
  add(result.measured, LoadError::Status, 1000);
  EXPECT_FALSE(judge(result).reached);
}

TEST(LoadVerdict, HeldConnections_AreAllThereAndAlive) {
  LoadResult result = good();
  result.asked.mode = LoadMode::Concurrent;
  EXPECT_TRUE(judge(result).reached);
  result.measured.open = 60;
  EXPECT_THAT(judge(result).sentence, StartsWith("reached 93.8 % of the connections: "));
  result.measured.open = 64;
  add(result.measured, LoadError::Reset, 2);
  EXPECT_FALSE(judge(result).reached);
  EXPECT_THAT(judge(result).sentence, HasSubstr("2 connections did not stay alive: the server reset 2"));
}

TEST(LoadVerdict, BulkOfTheOtherDirection_IsNothing) {
  LoadResult result = good();
  result.asked.mode = LoadMode::Bulk;
  result.asked.direction = config::LoadDirection::Up;
  result.measured.counts.bytes_received = 1'000'000;
  EXPECT_FALSE(judge(result).reached);
  result.measured.counts.bytes_sent = 1'000'000;
  EXPECT_TRUE(judge(result).reached);
}

}  // namespace
}  // namespace millrace::control
