// The mailbox from both sides; the shard it speaks to is one without traffic.
#include "dpdk/mailbox.h"

#include <gtest/gtest.h>

#include <memory>

#include "shard/shard.h"

namespace millrace::dpdk {
namespace {

struct QuietShard {
  ShardParams params;
  HeapPool pool{8, 2048};
  SeededEntropy entropy{1};
  shard::Shard shard{params, wire::Checksum::Software, pool, entropy, Instant{1s}};
};

TEST(Mailbox, Commands_RunInOrderWithinTheBudget) {
  QuietShard quiet;
  Mailbox mailbox;
  std::string ran;
  for (const char letter : {'a', 'b', 'c'})
    ASSERT_TRUE(mailbox.post([&, letter](shard::Shard&) { ran += letter; }));
  EXPECT_TRUE(mailbox.drain(quiet.shard, 2));
  EXPECT_EQ(ran, "ab");
  EXPECT_TRUE(mailbox.drain(quiet.shard, 2));
  EXPECT_EQ(ran, "abc");
  EXPECT_FALSE(mailbox.drain(quiet.shard, 2));
}

TEST(Mailbox, CommandThatRan_IsDestroyedByItsSenders) {
  QuietShard quiet;
  Mailbox mailbox;
  auto owned = std::make_shared<int>(0);
  ASSERT_TRUE(mailbox.post([owned](shard::Shard&) {}));
  mailbox.drain(quiet.shard, 1);
  EXPECT_EQ(owned.use_count(), 2);
  mailbox.collect();
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Mailbox, Full_RefusesUntilCommandsHaveRun) {
  QuietShard quiet;
  Mailbox mailbox;
  for (size_t i = 0; i < Mailbox::kCapacity; ++i) ASSERT_TRUE(mailbox.post([](shard::Shard&) {}));
  EXPECT_FALSE(mailbox.post([](shard::Shard&) {}));
  mailbox.drain(quiet.shard, 1);
  EXPECT_TRUE(mailbox.post([](shard::Shard&) {}));
  EXPECT_FALSE(mailbox.post([](shard::Shard&) {}));
}

TEST(Mailbox, CommandThatNeverRan_IsDestroyedWithTheMailbox) {
  auto owned = std::make_shared<int>(0);
  {
    Mailbox mailbox;
    ASSERT_TRUE(mailbox.post([owned](shard::Shard&) {}));
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace millrace::dpdk
