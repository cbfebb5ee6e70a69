// A real EAL and a net_ring port, whose transmit queue is its receive queue: what is sent comes back.
#include "dpdk/port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "dpdk/eal.h"
#include "dpdk/lcore.h"
#include "dpdk/rx.h"
#include "dpdk/tx.h"

namespace millrace::dpdk {
namespace {

using ::testing::HasSubstr;

// EAL starts once in a process.
class DpdkEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    EalParams params;
    params.huge_pages = HugePages::Off;
    params.file_prefix = "millrace-test-" + std::to_string(getpid());
    params.memory_bytes = 128 << 20;
    Result<std::unique_ptr<Eal>> eal = Eal::start(params);
    ASSERT_TRUE(eal) << eal.failure().text;
    eal_ = std::move(*eal);
  }
  void TearDown() override { eal_.reset(); }

 private:
  std::unique_ptr<Eal> eal_;
};
const auto* const environment = ::testing::AddGlobalTestEnvironment(new DpdkEnvironment);

std::unique_ptr<MbufPool> a_pool(const std::string& name, uint32_t packets = 2048) {
  Result<std::unique_ptr<MbufPool>> pool =
      MbufPool::create({.name = name, .packets = packets, .frame_room = 1518});
  EXPECT_TRUE(pool) << pool.failure().text;
  return std::move(*pool);
}

struct RingPort {
  RingPort() {
    Result<std::unique_ptr<Port>> attached = Port::attach({.device = "net_ring0"});
    EXPECT_TRUE(attached) << attached.failure().text;
    port = std::move(*attached);
    MbufPool* const rx_pools[] = {rx_pool.get()};
    Status status = port->configure(rx_pools);
    EXPECT_TRUE(status) << status.failure().text;
    EXPECT_TRUE(port->start());
  }
  ~RingPort() {
    port.reset();
    EXPECT_EQ(rx_pool->in_use(), 0);
    EXPECT_EQ(tx_pool->in_use(), 0);
  }

  std::unique_ptr<MbufPool> rx_pool = a_pool("rx");
  std::unique_ptr<MbufPool> tx_pool = a_pool("tx", 4096);
  std::unique_ptr<Port> port;
  Counters counters;
};

Packet a_frame(PacketPool& pool, uint8_t octet, uint32_t length) {
  Packet packet = pool.allocate();
  packet.set_length(length);
  std::fill(packet.bytes().begin(), packet.bytes().end(), octet);
  return packet;
}

TEST(MbufPool, Exhausted_GivesEmptyPacketsUntilSomeComeBack) {
  const std::unique_ptr<MbufPool> pool = a_pool("small", 512);
  std::vector<Packet> taken;
  for (Packet packet = pool->allocate(); packet; packet = pool->allocate())
    taken.push_back(std::move(packet));
  EXPECT_GE(taken.size(), 512U);
  EXPECT_GE(taken.front().capacity(), 1518U);
  taken.pop_back();
  EXPECT_TRUE(pool->allocate());
  taken.clear();
  EXPECT_EQ(pool->in_use(), 0);
}

TEST(MbufPool, Dense_IsNoLongerThanItsObjects) {
  for (const bool dense : {false, true}) {
    Result<std::unique_ptr<MbufPool>> pool = MbufPool::create(
        {.name = dense ? "dense" : "paged", .packets = 4096, .frame_room = 1518, .dense = dense});
    ASSERT_TRUE(pool) << pool.failure().text;
    uintptr_t first = UINTPTR_MAX;
    uintptr_t last = 0;
    std::vector<Packet> taken;
    for (Packet packet = (*pool)->allocate(); packet; packet = (*pool)->allocate()) {
      const auto at = reinterpret_cast<uintptr_t>(packet.bytes().data());
      first = std::min(first, at);
      last = std::max(last, at);
      taken.push_back(std::move(packet));
    }
    EXPECT_EQ(last - first < MbufPool::bytes(4096, 1518), dense)
        << last - first << " octets from the first to the last";
  }
}

TEST(MbufPool, LargerThanMemory_SaysWhatToLower) {
  Result<std::unique_ptr<MbufPool>> pool =
      MbufPool::create({.name = "huge", .packets = 1 << 20, .frame_room = 1518});
  ASSERT_FALSE(pool);
  EXPECT_THAT(pool.failure().text, HasSubstr("lower memory.rx_mbufs"));
}

TEST(Port, Frames_ComeBackByCopyInOrder) {
  RingPort ring;
  TxQueue tx(ring.port->id(), 0, ring.counters);
  RxQueue rx({.port = ring.port->id(), .burst = 8, .waived = true, .copies = true}, *ring.rx_pool,
             ring.counters);
  PacketBatch batch(8);
  for (uint8_t i = 0; i < 8; ++i) batch.push(a_frame(*ring.tx_pool, i, 60U + i));
  tx.send(batch);
  EXPECT_EQ(batch.size(), 0);
  const std::span<Packet> burst = rx.receive();
  ASSERT_EQ(burst.size(), 8);
  for (uint8_t i = 0; i < 8; ++i) {
    EXPECT_EQ(burst[i].length(), 60U + i);
    EXPECT_EQ(burst[i].data()[59], i);
    EXPECT_EQ(burst[i].rx_checksum, RxChecksum::Good);
  }
  EXPECT_EQ(ring.tx_pool->in_use(), 0);
  std::for_each(burst.begin(), burst.end(), [](Packet& packet) { packet.reset(); });
}

TEST(Port, FullRing_KeepsABacklogThenDropsAndCounts) {
  constexpr int kFrames = 4096;
  RingPort ring;
  TxQueue tx(ring.port->id(), 0, ring.counters);
  RxQueue rx({.port = ring.port->id(), .burst = 32}, *ring.rx_pool, ring.counters);
  const auto empty = [&] {
    uint64_t count = 0;
    for (std::span<Packet> burst = rx.receive(); !burst.empty(); burst = rx.receive()) {
      count += burst.size();
      for (Packet& packet : burst) packet.reset();
    }
    return count;
  };
  PacketBatch batch(kFrames);
  for (int i = 0; i < kFrames; ++i) batch.push(a_frame(*ring.tx_pool, 0, 60));
  tx.send(batch);
  const uint64_t dropped = ring.counters.dropped(DropReason::TxQueueFull);
  EXPECT_GT(dropped, 0);
  uint64_t received = empty();
  EXPECT_LT(received + dropped, kFrames);
  for (int turn = 0; turn < 4; ++turn) {
    tx.send(batch);
    received += empty();
  }
  EXPECT_EQ(received + dropped, kFrames);
  EXPECT_EQ(ring.counters.dropped(DropReason::TxQueueFull), dropped);
}

TEST(Port, QueueThatEndsWithABacklog_GivesItBack) {
  RingPort ring;
  TxQueue tx(ring.port->id(), 0, ring.counters);
  PacketBatch batch(2048);
  for (int i = 0; i < 2048; ++i) batch.push(a_frame(*ring.tx_pool, 0, 60));
  tx.send(batch);
  RxQueue rx({.port = ring.port->id(), .burst = 32}, *ring.rx_pool, ring.counters);
  for (std::span<Packet> burst = rx.receive(); !burst.empty(); burst = rx.receive())
    for (Packet& packet : burst) packet.reset();
}

TEST(Gate, Shut_KeepsQueuesOutAndWaitsForThoseInside) {
  Gate& gate = gate_of(63);
  Gate::Pass pass(gate);
  EXPECT_TRUE(pass.open());
  {
    const Gate::Shut early(gate, std::chrono::milliseconds(1));
    EXPECT_FALSE(early.empty()) << "the queue may still be inside";
    EXPECT_FALSE(pass.open());
    const Gate::Shut again(gate, std::chrono::milliseconds(1));
    EXPECT_TRUE(again.empty());
  }
  EXPECT_TRUE(pass.open());
}

TEST(Port, WaivedChecksums_AreReported) {
  RingPort ring;
  EXPECT_EQ(ring.port->report().driver, "net_ring");
  EXPECT_EQ(ring.port->checksum(), wire::Checksum::Waived);
  EXPECT_EQ(ring.port->report().queues, 1);
  EXPECT_TRUE(ring.port->link_up());
}

TEST(Port, DriverThatDoesNotExist_IsSaidToBeMissing) {
  Result<std::unique_ptr<Port>> port = Port::attach({.device = "net_nonsense0"});
  ASSERT_FALSE(port);
  EXPECT_THAT(port.failure().text, HasSubstr("cannot make the port net_nonsense0"));
  EXPECT_THAT(port.failure().text, HasSubstr("Known are net_tap"));
}

TEST(Port, MoreQueuesThanTheDeviceHas_AreRefused) {
  Result<std::unique_ptr<Port>> port = Port::attach({.device = "net_ring1", .queues = 512});
  ASSERT_TRUE(port);
  const std::unique_ptr<MbufPool> pool = a_pool("queues");
  MbufPool* const pools[] = {pool.get()};
  Status status = (*port)->configure(pools);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.failure().text, HasSubstr("512 queues are asked for"));
}

TEST(Lcore, Loop_RunsCommandsAndStops) {
  RingPort ring;
  ShardParams params;
  params.interface.mac = ring.port->mac();
  SeededEntropy entropy(1);
  Clock clock;
  shard::Shard shard(params, ring.port->checksum(), *ring.tx_pool, entropy, clock.now());
  Doorbell doorbell;
  Lcore lcore(1, 32, clock,
              RxQueue({.port = ring.port->id(), .copies = true}, *ring.rx_pool, shard.counters()),
              TxQueue(ring.port->id(), 0, shard.counters()), shard, doorbell);
  ASSERT_TRUE(lcore.launch());
  EXPECT_TRUE(lcore.running());
  std::atomic<bool> ran{false};
  ASSERT_TRUE(lcore.post([&](shard::Shard&) { ran = true; }));
  for (int i = 0; i < 1000 && !ran; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(ran);
  lcore.request_stop();
  lcore.join();
  EXPECT_FALSE(lcore.running());
  EXPECT_GT(shard.counters().loop_iterations.value(), 0);
  EXPECT_GE(shard.counters().loop_iterations.value(), shard.counters().loop_busy_iterations.value());
}

TEST(Lcore, AsleepOnALinkThatWakesNobody_HearsTheControlThreadAtOnce) {
  RingPort ring;
  ShardParams params;
  params.interface.mac = ring.port->mac();
  SeededEntropy entropy(1);
  Clock clock;
  shard::Shard shard(params, ring.port->checksum(), *ring.tx_pool, entropy, clock.now());
  Doorbell doorbell;
  Lcore lcore(1, 32, clock,
              RxQueue({.port = ring.port->id(), .copies = true}, *ring.rx_pool, shard.counters()),
              TxQueue(ring.port->id(), 0, shard.counters()), shard, doorbell);
  ASSERT_TRUE(lcore.launch({.mode = IdleMode::Sleep, .nap = 100ms}));
  std::this_thread::sleep_for(500ms);
  const uint64_t iterations = shard.counters().loop_iterations.value();
  std::this_thread::sleep_for(300ms);
  EXPECT_LT(shard.counters().loop_iterations.value() - iterations, 1000U);
  EXPECT_GT(lcore.sleeps(), 0U);
  // A machine that is busy may keep the loop from its CPU for a while: the best of several looks counts.
  int heard = 0;
  for (int i = 0; i < 100 && heard < 7; ++i) {
    if (i % 10 == 0) heard = 0;
    std::atomic<bool> ran{false};
    std::this_thread::sleep_for(150ms);  // into the longest sleep
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(lcore.post([&](shard::Shard&) { ran = true; }));
    while (!ran && std::chrono::steady_clock::now() - start < 5s) std::this_thread::yield();
    heard += std::chrono::steady_clock::now() - start < 20ms ? 1 : 0;
  }
  EXPECT_GE(heard, 7) << "of ten commands, each within 20 ms";
  lcore.request_stop();
  lcore.join();
}

// Wants to be called every 10 ms.
class Ticker final : public app::Program {
 public:
  void run(app::Stack&, Instant now) override {
    if (now < next_) return;
    next_ = now + 10ms;
    ticks.fetch_add(1, std::memory_order_relaxed);
  }
  Instant next_call() const override { return next_; }

  std::atomic<unsigned> ticks{0};

 private:
  Instant next_{};
};

TEST(Lcore, Asleep_KeepsTheDeadlinesOfItsShard) {
  RingPort ring;
  ShardParams params;
  params.interface.mac = ring.port->mac();
  SeededEntropy entropy(1);
  Clock clock;
  shard::Shard shard(params, ring.port->checksum(), *ring.tx_pool, entropy, clock.now());
  Ticker ticker;
  shard.add_program(ticker);
  Doorbell doorbell;
  Lcore lcore(1, 32, clock,
              RxQueue({.port = ring.port->id(), .copies = true}, *ring.rx_pool, shard.counters()),
              TxQueue(ring.port->id(), 0, shard.counters()), shard, doorbell);
  ASSERT_TRUE(lcore.launch({.mode = IdleMode::Sleep, .nap = 100ms}));
  std::this_thread::sleep_for(500ms);  // its naps are long by now
  unsigned most = 0;
  for (int look = 0; look < 10 && most < 30; ++look) {
    const unsigned before = ticker.ticks;
    std::this_thread::sleep_for(1s);
    most = std::max(most, ticker.ticks - before);
  }
  EXPECT_GE(most, 30U) << "of a hundred a second; sleeps of 100 ms would leave ten";
  EXPECT_GT(lcore.sleeps(), 0U);
  lcore.request_stop();
  lcore.join();
}

}  // namespace
}  // namespace millrace::dpdk
