// Packets that are mbufs: a PacketPool over an rte_mempool. Each lcore has two, one that its ports receive
// into and one that it sends from, so that a flood of arrivals cannot take the memory that answers need.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/packet.h"
#include "dpdk/result.h"

struct rte_mbuf;
struct rte_mempool;

namespace millrace::dpdk {

struct MbufPoolParams {
  std::string name{};       // unique in the process
  uint32_t packets = 0;     // that must be had at once, caches not counted
  uint32_t frame_room = 0;  // octets of the largest frame
  int numa_node = -1;       // any
  unsigned lcores = 1;      // that give packets back
  bool dense = false;       // nothing between one object and the next, not even where a page ends
};

class MbufPool final : public PacketPool {
 public:
  static Result<std::unique_ptr<MbufPool>> create(const MbufPoolParams& params);
  explicit MbufPool(rte_mempool* pool);
  ~MbufPool() override;

  // Octets of memory that such a pool takes, objects' headers included.
  static uint64_t bytes(uint32_t packets, uint32_t frame_room, unsigned lcores = 1);

  Packet allocate() override;
  // A Packet that owns `mbuf`, of whatever pool, with one segment.
  Packet wrap(rte_mbuf* mbuf);
  rte_mempool* get() const { return pool_; }
  uint32_t in_use() const;

 private:
  void release(void* handle) noexcept override;

  rte_mempool* pool_;
};

}  // namespace millrace::dpdk
