// The intended instants of an open loop, and how a load is divided.
#include "services/load/pacer.h"

#include <gtest/gtest.h>

#include "services/load/params.h"

namespace millrace::services::load {
namespace {

constexpr Instant kStart{5s};

TEST(Pacer, BeforeItStarts_NothingIsDue) {
  Pacer pacer(1000);
  EXPECT_FALSE(pacer.due(kStart));
  EXPECT_EQ(pacer.next(), kNever);
}

TEST(Pacer, Instants_AreEvenAndDoNotDriftOverADay) {
  for (const uint64_t rate : {1ULL, 3ULL, 7'000ULL, 999'983ULL, 10'000'000ULL}) {
    Pacer pacer(rate);
    pacer.start(kStart);
    EXPECT_EQ(pacer.take(), kStart);
    for (uint64_t i = 1; i < 1'000'000; ++i) pacer.take();
    const double want = 1e6 * 1e6 / static_cast<double>(rate);
    EXPECT_NEAR(static_cast<double>((pacer.next() - kStart).count()), want, 1e-6 * want + 1) << rate;
  }
}

TEST(Pacer, AfterAStall_EverythingMissedIsDueAtItsOwnInstant) {
  Pacer pacer(1000);
  pacer.start(kStart);
  int due = 0;
  for (Instant want = kStart; pacer.due(kStart + 1s); want += 1ms, ++due) ASSERT_EQ(pacer.take(), want);
  EXPECT_EQ(due, 1001);
}

TEST(Share, OfAllGenerators_IsTheWhole) {
  Params all;
  for (const auto& [connections, rate] :
       {std::pair<uint32_t, uint64_t>{64, 0}, {7, 1000}, {1, 5}, {100, 3}}) {
    all.connections = connections;
    all.rate = rate;
    for (const uint32_t count : {1U, 2U, 3U, 8U}) {
      uint64_t sum_connections = 0;
      uint64_t sum_rate = 0;
      for (uint32_t i = 0; i < count; ++i) {
        const Params share = share_of(all, i, count);
        sum_connections += share.connections;
        if (share.connections == 0) continue;
        sum_rate += share.rate;
        // A rate of none would be "as fast as it goes".
        EXPECT_EQ(share.rate == 0, rate == 0);
      }
      EXPECT_EQ(sum_connections, connections) << count;
      EXPECT_EQ(sum_rate, rate) << count;
    }
  }
}

}  // namespace
}  // namespace millrace::services::load
