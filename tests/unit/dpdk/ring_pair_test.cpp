// Two ports joined by net_ring inside one process, a shard and a loop on each: the driver hands over the
// sender's own mbufs, which go back to their pools.
#include <gtest/gtest.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/entropy.h"
#include "dpdk/lcore.h"
#include "dpdk/port.h"
#include "services/echo.h"

namespace millrace::dpdk {
namespace {

using std::chrono::milliseconds;

constexpr size_t kOctets = 4 << 20;
constexpr uint16_t kEcho = 7;

// Sends octets that follow from their place, and compares what comes back.
class Client final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override { on_writable(connection); }
  void on_writable(app::Connection& connection) override {
    uint8_t octets[4096];
    while (sent_ < kOctets) {
      const size_t count = std::min(sizeof octets, kOctets - sent_);
      for (size_t i = 0; i < count; ++i) octets[i] = octet(sent_ + i);
      const uint32_t taken = connection.send({octets, count});
      sent_ += taken;
      if (taken < count) return;
    }
    connection.shutdown();
  }
  void on_readable(app::Connection& connection) override {
    for (auto run = connection.readable(); !run.empty(); run = connection.readable()) {
      for (const uint8_t one : run) right_ &= one == octet(received_++);
      connection.consume(static_cast<uint32_t>(run.size()));
    }
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  void on_closed(app::Connection&, app::CloseReason reason) override {
    finished = reason == app::CloseReason::Finished && right_ && received_ == kOctets;
    closed = true;
  }

  std::atomic<bool> closed{false};
  std::atomic<bool> finished{false};

 private:
  static uint8_t octet(size_t place) { return static_cast<uint8_t>(place * 31 + (place >> 13)); }

  size_t sent_ = 0;
  size_t received_ = 0;
  bool right_ = true;
};

std::unique_ptr<MbufPool> a_pool(const std::string& name) {
  Result<std::unique_ptr<MbufPool>> pool =
      MbufPool::create({.name = name, .packets = 4096, .frame_room = 1518});
  EXPECT_TRUE(pool) << pool.failure().text;
  return std::move(*pool);
}

ShardParams params_of(uint8_t station) {
  ShardParams params;
  params.interface.mac = MacAddress({2, 0, 0, 0, 0, station});
  params.interface.addresses.push_back({IpAddress::v4(10, 9, 0, station), 24});
  params.neighbor.arp_probes = 0;
  return params;
}

int ends = 0;  // names of devices are used once

// One end: pools, a started port over two rings, a shard.
struct End {
  End(uint8_t station, rte_ring* in, rte_ring* out, uint16_t vlan = 0)
      : name("end" + std::to_string(station) + "of" + std::to_string(++ends)), rx_pool(a_pool(name + "rx")), tx_pool(a_pool(name + "tx")) {
    port = static_cast<uint16_t>(rte_eth_from_rings(name.c_str(), &in, 1, &out, 1, 0));
    rte_eth_conf conf{};
    EXPECT_EQ(rte_eth_dev_configure(port, 1, 1, &conf), 0);
    EXPECT_EQ(rte_eth_rx_queue_setup(port, 0, 512, 0, nullptr, rx_pool->get()), 0);
    EXPECT_EQ(rte_eth_tx_queue_setup(port, 0, 512, 0, nullptr), 0);
    EXPECT_EQ(rte_eth_dev_start(port), 0);
    shard = std::make_unique<shard::Shard>(params_of(station), quirks_of("net_ring").checksum, *tx_pool,
                                           entropy, clock.now());
    rx = std::make_unique<RxQueue>(
        RxQueueParams{.port = port, .waived = true, .copies = true, .vlan = vlan}, *rx_pool, shard->counters());
    tx = std::make_unique<TxQueue>(port, 0, shard->counters(), nullptr, vlan);
  }
  ~End() {
    shard.reset();
    tx.reset();
    rte_eth_dev_stop(port);
    rte_eth_dev_close(port);
  }

  // One turn of a loop, as Lcore does it.
  void turn(PacketBatch& out) {
    const Instant now = clock.now();
    shard->receive(rx->receive(), now, out);
    shard->expire(now, out);
    shard->run(now);
    shard->transmit(now, out);
    tx->send(out);
  }

  std::string name;
  std::unique_ptr<MbufPool> rx_pool;
  std::unique_ptr<MbufPool> tx_pool;
  uint16_t port = 0;
  SeededEntropy entropy{7};
  Clock clock;
  std::unique_ptr<shard::Shard> shard;
  std::unique_ptr<RxQueue> rx;
  std::unique_ptr<TxQueue> tx;
};

// Two ends whose ports belong to these VLANs (0: to none) try to talk.
struct Talk {
  bool finished = false;
  uint64_t refused = 0;  // frames of a tag that was not awaited, or without one
};

Talk talk(uint16_t server_vlan, uint16_t opener_vlan, milliseconds patience) {
  rte_ring* const forth = rte_ring_create("forth", 1024, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
  rte_ring* const back = rte_ring_create("back", 1024, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
  EXPECT_NE(forth, nullptr);
  EXPECT_NE(back, nullptr);
  Talk result;
  Client client;
  services::Echo echo;
  std::vector<std::unique_ptr<MbufPool>> pools;
  {
    End server(1, forth, back, server_vlan);
    End opener(2, back, forth, opener_vlan);
    PacketBatch out(128);
    EXPECT_EQ(server.shard->listen({{IpAddress::v4(10, 9, 0, 1), kEcho}, 16}, echo, "echo"),
              app::OpenError::None);
    app::ConnectOptions options;
    options.remote = {IpAddress::v4(10, 9, 0, 1), kEcho};
    opener.shard->connect(options, client);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!client.closed && std::chrono::steady_clock::now() < deadline) {
      server.turn(out);
      opener.turn(out);
    }
    result.finished = client.finished;
    opener.shard->abort_all(opener.clock.now());
    server.turn(out);
    opener.turn(out);
    EXPECT_EQ(server.shard->connections(), 0U);
    result.refused = server.shard->counters().dropped(DropReason::UnknownEtherType);
    for (End* end : {&server, &opener}) {
      pools.push_back(std::move(end->rx_pool));
      pools.push_back(std::move(end->tx_pool));
    }
  }
  for (rte_ring* ring : {forth, back}) {
    void* left = nullptr;
    while (rte_ring_dequeue(ring, &left) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(left));
    rte_ring_free(ring);
  }
  for (const auto& pool : pools) EXPECT_EQ(pool->in_use(), 0U);
  return result;
}

TEST(RingPair, TwoShards_TransferAndCloseAndEveryMbufIsBack) {
  const Talk plain = talk(0, 0, milliseconds(20'000));
  EXPECT_TRUE(plain.finished);
  EXPECT_EQ(plain.refused, 0U);
}

// IEEE 802.1Q: tags go on and come off; who is of another VLAN, or of none, is not heard.
TEST(RingPair, PortsOfOneVlan_TalkAsEver) {
  const Talk tagged = talk(7, 7, milliseconds(20'000));
  EXPECT_TRUE(tagged.finished);
  EXPECT_EQ(tagged.refused, 0U);
}
TEST(RingPair, PortsOfTwoVlans_DoNotHearEachOther) {
  const Talk apart = talk(7, 8, milliseconds(50));
  EXPECT_FALSE(apart.finished);
  EXPECT_GT(apart.refused, 0U);
}
TEST(RingPair, PortWithATagAndPortWithout_DoNotHearEachOther) {
  const Talk from_tagged = talk(0, 7, milliseconds(50));
  EXPECT_FALSE(from_tagged.finished);
  EXPECT_GT(from_tagged.refused, 0U);
  const Talk from_plain = talk(7, 0, milliseconds(50));
  EXPECT_FALSE(from_plain.finished);
  EXPECT_GT(from_plain.refused, 0U);
}

}  // namespace
}  // namespace millrace::dpdk
