// The rings between lcores: packets that RSS brought to another lcore than the one that owns their flow, and
// what shards tell each other. Neighbours: shard/peers.h (whom they serve), lcore.h (who empties them).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/packet.h"
#include "dpdk/doorbell.h"
#include "dpdk/mempool.h"
#include "dpdk/result.h"
#include "shard/peers.h"

struct rte_mbuf;
struct rte_ring;

namespace millrace::dpdk {

// One inbox a shard; any lcore writes, its own lcore reads. Made and destroyed by the control thread, when no
// lcore runs.
class Inboxes {
 public:
  // `doorbells` are those of the shards' lcores, one each, and outlive the inboxes.
  static Result<std::unique_ptr<Inboxes>> create(std::span<const std::unique_ptr<Doorbell>> doorbells,
                                                 const std::string& name);
  ~Inboxes();  // frees what was never read
  Inboxes(const Inboxes&) = delete;
  Inboxes& operator=(const Inboxes&) = delete;

  unsigned shards() const { return static_cast<unsigned>(packets_.size()); }
  rte_ring* packets(unsigned shard) const { return packets_[shard]; }
  rte_ring* notices(unsigned shard) const { return notices_[shard]; }
  Doorbell& doorbell(unsigned shard) const { return *doorbells_[shard]; }

 private:
  Inboxes() = default;
  std::vector<rte_ring*> packets_;
  std::vector<rte_ring*> notices_;
  std::span<const std::unique_ptr<Doorbell>> doorbells_;
};

// One lcore's door to the others, used on that lcore alone.
class Handover final : public shard::Peers {
 public:
  Handover(const Inboxes& inboxes, unsigned own);
  ~Handover() override;

  // Collected a burst long; flush() sends them off.
  bool hand_over(unsigned shard, Packet& packet) override;
  bool tell(unsigned shard, const shard::Notice& notice) override;
  // Packets that an inbox had no room for; they are freed.
  uint64_t flush();

  // What the others have handed over, at most as many as `mbufs` holds.
  uint16_t receive(std::span<rte_mbuf*> mbufs);
  // False: there is none.
  bool hear(shard::Notice& notice);
  // Whether the others have left nothing.
  bool empty() const;

 private:
  static constexpr size_t kBatch = 32;
  struct Batch {
    uint32_t count = 0;
    rte_mbuf* mbufs[kBatch];
  };
  uint64_t send(unsigned shard);

  const Inboxes& inboxes_;
  unsigned own_;
  std::vector<Batch> batches_;  // one a shard
  std::vector<unsigned> filled_;
  uint64_t refused_ = 0;
};

}  // namespace millrace::dpdk
