// The idle loop's sleep: when it is due, how long it lasts, and what ends it.
#include "dpdk/idle.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "dpdk/doorbell.h"

namespace millrace::dpdk {
namespace {

bool readable(int descriptor) {
  pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
  return poll(&ready, 1, 0) == 1;
}

TEST(Doorbell, RungWhileTheLcoreIsAwake_IsSilent) {
  Doorbell doorbell;
  doorbell.ring();
  EXPECT_FALSE(readable(doorbell.descriptor()));
}

TEST(Doorbell, RungWhileTheLcoreRests_WakesItOnce) {
  Doorbell doorbell;
  {
    const Doorbell::Rest asleep(doorbell);
    doorbell.ring();
    EXPECT_TRUE(readable(doorbell.descriptor()));
    doorbell.silence();
    EXPECT_FALSE(readable(doorbell.descriptor()));
  }
  doorbell.ring();
  EXPECT_FALSE(readable(doorbell.descriptor()));
}

struct Sleeper {
  explicit Sleeper(const IdleParams& params) { idle.use(params); }

  Micros sleep(Micros limit, bool waits = false) {
    const auto start = std::chrono::steady_clock::now();
    const Doorbell::Rest asleep(doorbell);
    idle.sleep(limit, waits);
    return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now() - start);
  }

  Doorbell doorbell;
  Idle idle{doorbell};
};

struct Pipe {
  Pipe() { EXPECT_EQ(pipe(ends.data()), 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  std::array<int, 2> ends{-1, -1};
};

constexpr Instant kStart{10s};

TEST(Idle, UnlessTold_PollsForEver) {
  Sleeper sleeper({});
  sleeper.idle.worked(kStart);
  EXPECT_FALSE(sleeper.idle.due(kStart + 3600s));
}

TEST(Idle, Rest_IsDueOnlyAWhileAfterTheLastWork) {
  Sleeper sleeper({.mode = IdleMode::Sleep, .after = 50us});
  sleeper.idle.worked(kStart);
  EXPECT_FALSE(sleeper.idle.due(kStart + 49us));
  EXPECT_TRUE(sleeper.idle.due(kStart + 50us));
  sleeper.idle.worked(kStart + 60us);
  EXPECT_FALSE(sleeper.idle.due(kStart + 100us));
}

TEST(Idle, PacketsLaterThanAWakeUpIsWorth_AreSleptForAtOnce) {
  Pipe pipe;
  Sleeper sleeper({.mode = IdleMode::Sleep, .after = 50us, .rx = {pipe.ends[0], true}});
  ASSERT_EQ(write(pipe.ends[1], "x", 1), 1);
  Instant now = kStart;
  for (int i = 0; i < 20; ++i, now += 100us) {
    sleeper.idle.worked(now);
    sleeper.idle.due(now);
    ASSERT_TRUE(sleeper.idle.due(now + 50us));
    sleeper.sleep(100ms);
  }
  sleeper.idle.worked(now);
  EXPECT_TRUE(sleeper.idle.due(now));
}

TEST(Idle, PacketsThatComeSoon_ArePolledFor) {
  Sleeper sleeper({.mode = IdleMode::Sleep, .after = 50us});
  Instant now = kStart;
  for (int i = 0; i < 20; ++i, now += 30us) {
    sleeper.idle.worked(now);
    ASSERT_FALSE(sleeper.idle.due(now + 1us));
    ASSERT_FALSE(sleeper.idle.due(now + 29us));
  }
}

TEST(Idle, Pause_TakesNoSystemCall) {
  Sleeper sleeper({.mode = IdleMode::Pause, .after = 0us});
  ASSERT_TRUE(sleeper.idle.due(kStart));
  EXPECT_TRUE(sleeper.idle.pauses());
  sleeper.idle.pause();
  EXPECT_EQ(sleeper.idle.sleeps(), 0);
}

TEST(Idle, LinkThatWakesNobody_IsLookedAtAfterLongerAndLongerNaps) {
  Sleeper sleeper({.mode = IdleMode::Sleep, .nap = 20ms});
  EXPECT_GE(sleeper.sleep(1s), 50us);
  for (int i = 0; i < 9; ++i) sleeper.sleep(1s);
  const Micros longest = sleeper.sleep(1s);
  EXPECT_GE(longest, 20ms);
  EXPECT_LT(longest, 500ms);
  EXPECT_EQ(sleeper.idle.sleeps(), 11);
}

TEST(Idle, DeadlineThatHasCome_IsNotSleptOver) {
  Sleeper sleeper({.mode = IdleMode::Sleep});
  sleeper.sleep(0us);
  sleeper.sleep(-5us);
  EXPECT_EQ(sleeper.idle.sleeps(), 0);
}

TEST(Idle, Packets_WakeItAndKeepItAwakeForAWhile) {
  Pipe pipe;
  Sleeper sleeper({.mode = IdleMode::Sleep, .after = 50us, .rx = {pipe.ends[0], true}});
  EXPECT_GE(sleeper.sleep(10ms), 10ms);
  ASSERT_EQ(write(pipe.ends[1], "x", 1), 1);
  EXPECT_LT(sleeper.sleep(20s), 10s);
  EXPECT_FALSE(sleeper.idle.due(kStart)) << "the driver may find the packet a moment later";
  EXPECT_TRUE(sleeper.idle.due(kStart + 50us));
}

TEST(Idle, Doorbell_WakesItThoughTheDeadlineIsFar) {
  Pipe pipe;
  Sleeper sleeper({.mode = IdleMode::Sleep, .rx = {pipe.ends[0], true}});
  const Doorbell::Rest asleep(sleeper.doorbell);
  std::thread ringer([&] {
    std::this_thread::sleep_for(2ms);
    sleeper.doorbell.ring();
  });
  const auto start = std::chrono::steady_clock::now();
  sleeper.idle.sleep(20s, false);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);  // a busy machine may let the ringer wait
  ringer.join();
  EXPECT_FALSE(readable(sleeper.doorbell.descriptor())) << "heard is silenced";
}

TEST(Idle, DescriptorThatHasOnlyAnError_DoesNotKeepItAwake) {
  Pipe pipe;
  close(pipe.ends[1]);  // POLLHUP for ever
  pipe.ends[1] = -1;
  Sleeper sleeper({.mode = IdleMode::Sleep, .nap = 10ms, .rx = {pipe.ends[0], true}});
  Micros slept{};
  for (int i = 0; i < 40; ++i) slept += sleeper.sleep(1s);
  EXPECT_GE(slept, 50ms);
}

TEST(Idle, SegmentsThatWaitForRoom_AreTriedAgainSoon) {
  Pipe pipe;
  Sleeper sleeper({.mode = IdleMode::Sleep, .rx = {pipe.ends[0], true}});
  EXPECT_LT(sleeper.sleep(100ms, true), 90ms);
}

}  // namespace
}  // namespace millrace::dpdk
