#include "tcp/settings.h"

#include <gtest/gtest.h>

#include "tcp/memory.h"
#include "tcp/tcb.h"

namespace millrace::tcp {
namespace {

constexpr TcpParams kParams;

uint32_t retries_of(const Tcb& tcb) {
  return setting(tcb, &ConnectionParams::data_retries, kParams.data_retries);
}

TEST(Settings, WithoutAny_EverythingIsAsTheShardSays) {
  Memory memory(1 << 16, 0);
  const Tcb tcb(memory);
  EXPECT_FALSE(tcb.cold.settings.any());
  EXPECT_EQ(tcb.cold.settings.rare(), nullptr);
  EXPECT_EQ(retries_of(tcb), kParams.data_retries);
}

TEST(Settings, Shared_CostNothingUntilTheConnectionHasItsOwn) {
  Memory memory(1 << 16, 0);
  ConnectionParams listeners;
  listeners.data_retries = 3;
  {
    Tcb tcb(memory);
    tcb.cold.settings.share(listeners);
    EXPECT_TRUE(tcb.cold.settings.any());
    EXPECT_EQ(retries_of(tcb), 3U);
    EXPECT_EQ(memory.used_bytes(), 0U);
    TcbRare* own = tcb.cold.settings.take(memory);
    ASSERT_NE(own, nullptr);
    EXPECT_EQ(memory.used_bytes(), sizeof(TcbRare));
    EXPECT_EQ(retries_of(tcb), 3U) << "a copy to begin with";
    own->data_retries = 8;
    EXPECT_EQ(retries_of(tcb), 8U);
    EXPECT_EQ(listeners.data_retries, 3U);
    EXPECT_EQ(tcb.cold.settings.take(memory), own);
  }
  EXPECT_EQ(memory.used_bytes(), 0U) << "it goes with the connection";
}

TEST(Settings, Blocks_AreUsedAgainAndCleanThen) {
  Memory memory(1 << 16, 0);
  for (int round = 0; round < 3; ++round) {
    Tcb first(memory), second(memory);
    TcbRare* a = first.cold.settings.take(memory);
    TcbRare* b = second.cold.settings.take(memory);
    ASSERT_NE(a, b);
    EXPECT_EQ(static_cast<ConnectionParams&>(*a), kNoSettings);
    EXPECT_EQ(a->probes, 0U);
    EXPECT_FALSE(b->sends_urgent);
    a->keepalive = true;
    a->probes = 7;
    b->sends_urgent = true;
  }
}

TEST(Settings, BeyondTheBudget_AreRefused) {
  Memory memory(sizeof(TcbRare), 0);
  Tcb first(memory), second(memory);
  EXPECT_NE(first.cold.settings.take(memory), nullptr);
  EXPECT_EQ(second.cold.settings.take(memory), nullptr);
  EXPECT_EQ(retries_of(second), kParams.data_retries);
}

}  // namespace
}  // namespace millrace::tcp
