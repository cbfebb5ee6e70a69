// Proportional rate reduction (RFC 9937).
#include "recovery/prr.h"

#include <gtest/gtest.h>

namespace millrace::recovery {
namespace {

constexpr Bytes kSmss = 1000;

// RFC 9937's first example in kind: 20 segments in flight, one lost, the window to be halved: one segment for
// two acknowledgements, and the flight is at ssthresh by the end.
TEST(Prr, OneLossInTwenty_SendsOneForTwoAndEndsAtSsthresh) {
  Prr prr;
  prr.open(20 * kSmss, 10 * kSmss);
  Bytes pipe = 19 * kSmss;  // the lost one is out
  Bytes sent = 0;
  for (int i = 0; i < 19; ++i) {
    pipe -= i == 0 ? 0 : kSmss;
    const Bytes window = prr.on_ack(kSmss, pipe, i != 0, kSmss);
    while (pipe + kSmss <= window) {
      prr.on_sent(kSmss);
      pipe += kSmss;
      sent += kSmss;
    }
  }
  EXPECT_NEAR(sent, 10 * kSmss, kSmss);
  EXPECT_NEAR(pipe, 10 * kSmss, kSmss);
}

TEST(Prr, TheFastRetransmit_LeavesWhateverTheShareIs) {
  Prr prr;
  prr.open(20 * kSmss, 10 * kSmss);
  EXPECT_EQ(prr.on_ack(100, 19 * kSmss, false, kSmss), 20 * kSmss);
}

// More was lost than the window is to shrink: what arrives is replaced, and one more when it is safe.
TEST(Prr, HeavyLoss_ConservesPacketsAndGrowsOnlyWhenSafe) {
  for (const bool safe : {false, true}) {
    Prr prr;
    prr.open(20 * kSmss, 10 * kSmss);
    prr.on_ack(kSmss, 4 * kSmss, false, kSmss);
    prr.on_sent(kSmss);
    const Bytes window = prr.on_ack(kSmss, 4 * kSmss, safe, kSmss);
    EXPECT_EQ(window, 4 * kSmss + kSmss + (safe ? kSmss : 0));
  }
}

TEST(Prr, TheFlight_NeverGrowsPastSsthresh) {
  Prr prr;
  prr.open(20 * kSmss, 10 * kSmss);
  prr.on_ack(kSmss, 9'500, false, kSmss);
  prr.on_sent(kSmss);
  EXPECT_EQ(prr.on_ack(8 * kSmss, 9'500, true, kSmss), 10 * kSmss);
}

}  // namespace
}  // namespace millrace::recovery
