// A bulk transfer over a path that loses and reorders: what loss recovery is worth, with SACK and without, as
// a table (printed) and as floors (checked). Virtual time, seeded.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "sim/world.h"

namespace millrace::sim::test {
namespace {

constexpr uint32_t kOctets = 4'000'000;

struct Weather {
  const char* name;
  FaultRates faults;
  uint32_t burst = 0;  // so many segments in a row are lost, once
};

struct Figures {
  double goodput_mbit = 0;
  double resent_percent = 0;
  uint64_t timeouts = 0;
  uint64_t probes = 0;
  uint64_t recoveries = 0;
  uint64_t undone = 0;
};

struct Sink final : app::Handler {
  void on_readable(app::Connection& at) override {
    while (!at.readable().empty()) {
      const auto run = at.readable();
      received += run.size();
      at.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_peer_finished(app::Connection& at) override { at.close(); }
  uint64_t received = 0;
};

struct Source final : app::Handler {
  void on_established(app::Connection& at) override { on_writable(at); }
  void on_writable(app::Connection& at) override {
    const std::vector<uint8_t> text(65'536, 0x55);
    while (sent < kOctets) {
      const uint32_t took = at.send({text.data(), std::min<size_t>(text.size(), kOctets - sent)});
      sent += took;
      if (took == 0) return;
    }
    if (!finished) at.shutdown();
    finished = true;
  }
  void on_closed(app::Connection&, app::CloseReason) override { closed = true; }
  uint32_t sent = 0;
  bool finished = false;
  bool closed = false;
};

Figures transfer(const Weather& weather, bool sack, uint64_t seed, bool timestamps = true) {
  World world(seed);
  ShardParams client = host_params(1), server = host_params(2);
  client.tcp.sack = server.tcp.sack = sack;
  client.tcp.timestamps = timestamps;
  // Fits the path: the queue itself drops nothing.
  server.tcp.receive_buffer = server.tcp.receive_buffer_max = 64 * 1024;
  const HostId left = world.add_host("client", client), right = world.add_host("server", server);
  LinkParams link{.delay = 10ms, .bits_per_second = 10'000'000, .queue_frames = 60};
  world.link(right, left).set_params(link);
  link.faults = weather.faults;
  world.link(left, right).set_params(link);
  if (weather.burst != 0)
    world.link(left, right).faults().add({.match = has_payload, .nth = 500, .count = weather.burst});
  Sink sink;
  Source source;
  world.shard(right).listen({.local = {host_address(2, Family::V4), 80}}, sink, "sink");
  world.in(left, 0us, [&] {
    world.shard(left).connect(
        {.remote = {host_address(2, Family::V4), 80}, .local_address = {}, .local_port = {}}, source);
  });
  const Instant start = world.now();
  EXPECT_TRUE(world.run_until([&] { return sink.received == kOctets; }, 3600s)) << weather.name;
  const double seconds = std::chrono::duration<double>(world.now() - start).count();
  world.run_for(200s);
  const Counters& counters = world.shard(left).counters();
  return {.goodput_mbit = kOctets * 8.0 / seconds / 1e6,
          .resent_percent = 100.0 * static_cast<double>(counters.tcp_retransmitted_bytes.value()) / kOctets,
          .timeouts = counters.tcp_rto_fired.value(),
          .probes = counters.tcp_tail_loss_probes_sent.value(),
          .recoveries = counters.tcp_fast_retransmits.value(),
          .undone = counters.tcp_spurious_recoveries.value() + counters.tcp_spurious_timeouts.value()};
}

Figures average(const Weather& weather, bool sack) {
  constexpr uint64_t kSeeds = 5;
  Figures sum;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Figures one = transfer(weather, sack, seed);
    sum.goodput_mbit += one.goodput_mbit / kSeeds;
    sum.resent_percent += one.resent_percent / kSeeds;
    sum.timeouts += one.timeouts;
    sum.probes += one.probes;
    sum.recoveries += one.recoveries;
    sum.undone += one.undone;
  }
  std::printf(
      "%-22s %-5s %6.2f Mbit/s  %5.2f %% sent again  %3llu time-outs  %3llu probes  %4llu recoveries  %3llu "
      "undone\n",
      weather.name, sack ? "SACK" : "none", sum.goodput_mbit, sum.resent_percent,
      static_cast<unsigned long long>(sum.timeouts), static_cast<unsigned long long>(sum.probes),
      static_cast<unsigned long long>(sum.recoveries), static_cast<unsigned long long>(sum.undone));
  return sum;
}

TEST(LossyPath, NothingLost_NothingIsSentAgain) {
  const Weather fine{"fine", {}, 0};
  const Figures with = average(fine, true);
  EXPECT_GT(with.goodput_mbit, 8.5);
  EXPECT_EQ(with.resent_percent, 0);
}

TEST(LossyPath, OnePercentLost_SackNeedsNoTimeOut) {
  const Weather lossy{"1 % lost", {.loss_ppm = 10'000}, 0};
  const Figures with = average(lossy, true), without = average(lossy, false);
  EXPECT_LE(with.timeouts, 1U);
  EXPECT_LT(with.resent_percent, 1.6);
  EXPECT_GT(with.goodput_mbit, 0.9 * without.goodput_mbit) << "single losses are NewReno's to pay for";
}

TEST(LossyPath, ABurstLost_SackNeedsARoundTripOrTwoAndNotOneForEachSegment) {
  const Weather burst{"15 in a row lost", {}, 15};
  const Figures with = average(burst, true), without = average(burst, false);
  EXPECT_EQ(with.timeouts, 0U);
  EXPECT_GT(with.goodput_mbit, without.goodput_mbit);
}

TEST(LossyPath, FivePercentLost_SackNeedsFewTimeOuts) {
  const Weather lossy{"5 % lost", {.loss_ppm = 50'000}, 0};
  const Figures with = average(lossy, true), without = average(lossy, false);
  EXPECT_LT(with.resent_percent, 7.0);
  EXPECT_LT(with.timeouts, without.timeouts / 2);
}

TEST(LossyPath, OnePercentReordered_IsNotTakenForLoss) {
  const Weather shuffled{"1 % reordered", {.reordering_ppm = 10'000, .jitter = 4ms}, 0};
  const Figures with = average(shuffled, true), without = average(shuffled, false);
  EXPECT_LT(with.resent_percent, 0.5);
  EXPECT_LT(with.resent_percent, without.resent_percent);
  EXPECT_GT(with.goodput_mbit, 8.0);
}

TEST(LossyPath, LostAndReordered_IsTheSum) {
  const Weather both{
      "1 % lost, 1 % reord.", {.loss_ppm = 10'000, .reordering_ppm = 10'000, .jitter = 4ms}, 0};
  const Figures with = average(both, true), without = average(both, false);
  EXPECT_LT(with.resent_percent, 2.0);
  EXPECT_GT(with.goodput_mbit, 0.9 * without.goodput_mbit) << "single losses are NewReno's to pay for";
}

TEST(LossyPath, TenPercentDuplicated_NothingIsSentAgain) {
  const Weather twice{"10 % duplicated", {.duplication_ppm = 100'000}, 0};
  EXPECT_LT(average(twice, true).resent_percent, 1.0);
}

}  // namespace
}  // namespace millrace::sim::test
