// A transmit queue as the loop sees it: it takes a batch whole, and what the device will not have for long is
// dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/counters.h"
#include "base/packet.h"
#include "dpdk/gate.h"

struct rte_mbuf;

namespace millrace::dpdk {

struct TxLock;
// A lock for a queue that several lcores send on: a device with fewer queues than lcores.
std::shared_ptr<TxLock> make_tx_lock();

class TxQueue {
 public:
  // `counters` outlives the queue. `shared` is held while sending on a queue that other lcores use too.
  // `vlan`: frames get a tag of this VLAN; 0: none.
  TxQueue(uint16_t port, uint16_t queue, Counters& counters, std::shared_ptr<TxLock> shared = nullptr,
          uint16_t vlan = 0);
  ~TxQueue();
  TxQueue(TxQueue&&) noexcept = default;
  TxQueue& operator=(TxQueue&&) = delete;

  // Takes every packet of the batch, all of them from MbufPools, and leaves it empty. To be called in every
  // turn of the loop, empty or not: what the device had no room for goes first in the next, and the port's
  // gate waits for it.
  void send(PacketBatch& batch);
  // The device has no room: what is sent now only grows old here. Segments had better wait where they can
  // still change, and their octets stay in the cache.
  bool blocked() const { return !mbufs_.empty(); }

 private:
  // A window of a connection fits although the peer has lost its CPU for a moment. A ring that stays full
  // belongs to a peer that has stopped reading: TCP sends again, and an lcore that waited would stop every
  // other connection.
  static constexpr size_t kBacklog = 2048;

  uint16_t send_burst(size_t from);
  void drop_from(size_t first);
  void push(rte_mbuf* mbuf, uint8_t priority);
  [[gnu::cold]] void push_tagged(rte_mbuf* mbuf, uint8_t priority);

  uint16_t port_;
  uint16_t queue_;
  uint16_t vlan_;
  Gate::Pass pass_;
  Counters& counters_;
  std::shared_ptr<TxLock> shared_;
  std::vector<rte_mbuf*> mbufs_;  // not sent yet, the oldest first
};

}  // namespace millrace::dpdk
