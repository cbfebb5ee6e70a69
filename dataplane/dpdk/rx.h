// A receive queue as the loop sees it: a burst of packets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/packet.h"
#include "dpdk/capture.h"
#include "dpdk/gate.h"
#include "dpdk/handover.h"
#include "dpdk/mempool.h"

namespace millrace::dpdk {

struct RxQueueParams {
  uint16_t port = 0;
  std::optional<uint16_t> queue = 0;  // none: only what other lcores hand over
  uint16_t burst = 32;
  bool waived = false;  // the link does without checksums
  bool copies = false;  // the device hands over the sender's own mbufs
  uint16_t vlan = 0;    // frames carry a tag of this VLAN, which is taken off; 0: none do
  const CapturePoint* capture = &CapturePoint::none();  // of the lcore; outlives the queue
};

class RxQueue {
 public:
  // `pool` and `counters` outlive the queue.
  RxQueue(const RxQueueParams& params, MbufPool& pool, Counters& counters);

  // What has arrived, at most a burst; the caller takes all of it before the next call.
  std::span<Packet> receive();
  // What other lcores have handed over, likewise.
  std::span<Packet> receive(Handover& handover);

 private:
  std::span<Packet> wrapped(uint16_t received);
  uint16_t untagged(uint16_t received);
  [[gnu::cold]] rte_mbuf* linearised(rte_mbuf* mbuf);
  [[gnu::cold]] rte_mbuf* copied(rte_mbuf* mbuf);

  RxQueueParams params_;
  Gate::Pass pass_;
  MbufPool& pool_;
  Counters& counters_;
  std::vector<rte_mbuf*> mbufs_;
  std::vector<Packet> packets_;
};

}  // namespace millrace::dpdk
