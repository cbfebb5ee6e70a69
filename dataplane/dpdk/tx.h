// A transmit queue as the loop sees it: it takes a batch whole, and what the device will not have is dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/counters.h"
#include "base/packet.h"

struct rte_mbuf;

namespace millrace::dpdk {

struct TxLock;
// A lock for a queue that several lcores send on: a device with fewer queues than lcores.
std::shared_ptr<TxLock> make_tx_lock();

class TxQueue {
 public:
  // `counters` outlives the queue. `shared` is held while sending on a queue that other lcores use too.
  TxQueue(uint16_t port, uint16_t queue, Counters& counters, std::shared_ptr<TxLock> shared = nullptr);

  // Gives every packet of the batch, all of them from MbufPools, to the device and leaves the batch empty.
  void send(PacketBatch& batch);

 private:
  uint16_t send_burst(uint16_t from);

  // A ring that stays full for so many bursts belongs to a peer that has stopped reading. TCP sends again; an
  // lcore that waited would stop every other connection.
  static constexpr int kTries = 8;

  uint16_t port_;
  uint16_t queue_;
  Counters& counters_;
  std::shared_ptr<TxLock> shared_;
  std::vector<rte_mbuf*> mbufs_;
};

}  // namespace millrace::dpdk
