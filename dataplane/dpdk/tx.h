// A transmit queue as the loop sees it: it takes a batch whole, and what the device will not have is dropped.
#pragma once

#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/packet.h"
#include "dpdk/gate.h"

struct rte_mbuf;

namespace millrace::dpdk {

class TxQueue {
 public:
  // `counters` outlives the queue.
  TxQueue(uint16_t port, uint16_t queue, Counters& counters);

  // Gives every packet of the batch, all of them from MbufPools, to the device and leaves the batch empty. To
  // be called in every turn of the loop, empty or not: the port's gate waits for it.
  void send(PacketBatch& batch);

 private:
  // A ring that stays full for so many bursts belongs to a peer that has stopped reading. TCP sends again; an
  // lcore that waited would stop every other connection.
  static constexpr int kTries = 8;

  uint16_t port_;
  uint16_t queue_;
  Gate::Pass pass_;
  Counters& counters_;
  std::vector<rte_mbuf*> mbufs_;
};

}  // namespace millrace::dpdk
