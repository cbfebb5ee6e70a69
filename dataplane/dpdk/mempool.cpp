#include "dpdk/mempool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>

namespace millrace::dpdk {

namespace {

constexpr uint32_t kCache =
    256;  // mbufs that each lcore keeps at hand: allocation in bulk is 11 cycles, deep 34

// A device is handed the data room as its buffer; below 2 KiB some refuse it.
uint16_t data_room(uint32_t frame_room) {
  const uint32_t room = std::max<uint32_t>((frame_room + 63) & ~63U, 2048) + RTE_PKTMBUF_HEADROOM;
  return static_cast<uint16_t>(std::min<uint32_t>(room, UINT16_MAX));
}

// What the caches of the lcores and of the control thread may hold back (rte_mempool flushes at one and a
// half).
uint32_t held_back(unsigned lcores) { return (lcores + 1) * kCache * 3 / 2; }

// As rte_pktmbuf_pool_create, which knows no flags. A device that addresses memory by pages must not be given
// an object that lies across two of them; where none does, the pages' ends need not stay empty.
rte_mempool* create_dense(const MbufPoolParams& params) {
  const uint16_t room = data_room(params.frame_room);
  rte_pktmbuf_pool_private area{.mbuf_data_room_size = room, .mbuf_priv_size = 0, .flags = 0};
  rte_mempool* pool = rte_mempool_create_empty(params.name.c_str(), params.packets + held_back(params.lcores),
                                               sizeof(rte_mbuf) + room, kCache, sizeof area, params.numa_node,
                                               RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_init(pool, &area);
  if (const int populated = rte_mempool_populate_default(pool); populated < 0) {
    rte_mempool_free(pool);
    rte_errno = -populated;
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

rte_mempool* create_paged(const MbufPoolParams& params) {
  return rte_pktmbuf_pool_create(params.name.c_str(), params.packets + held_back(params.lcores), kCache, 0,
                                 data_room(params.frame_room), params.numa_node);
}

}  // namespace

Result<std::unique_ptr<MbufPool>> MbufPool::create(const MbufPoolParams& params) {
  rte_mempool* pool = params.dense ? create_dense(params) : create_paged(params);
  if (pool != nullptr) return std::make_unique<MbufPool>(pool);
  const uint64_t mebibytes = (bytes(params.packets, params.frame_room, params.lcores) >> 20) + 1;
  return Failure{"no memory for " + std::to_string(params.packets) + " packet buffers (" +
                 std::to_string(mebibytes) + " MiB, pool " + params.name + ": " + rte_strerror(rte_errno) +
                 "); lower memory.rx_mbufs and memory.tx_mbufs, or raise eal.memory_bytes"};
}

MbufPool::MbufPool(rte_mempool* pool) : pool_(pool) {}

MbufPool::~MbufPool() { rte_mempool_free(pool_); }

uint64_t MbufPool::bytes(uint32_t packets, uint32_t frame_room, unsigned lcores) {
  const uint32_t element = sizeof(rte_mbuf) + data_room(frame_room);
  return uint64_t{packets + held_back(lcores)} * rte_mempool_calc_obj_size(element, 0, nullptr);
}

Packet MbufPool::allocate() {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  return mbuf == nullptr ? Packet() : wrap(mbuf);
}

Packet MbufPool::wrap(rte_mbuf* mbuf) {
  uint8_t* data = rte_pktmbuf_mtod(mbuf, uint8_t*);
  return Packet(this, mbuf, data, mbuf->data_len, uint32_t{mbuf->data_len} + rte_pktmbuf_tailroom(mbuf));
}

uint32_t MbufPool::in_use() const { return rte_mempool_in_use_count(pool_); }

void MbufPool::release(void* handle) noexcept { rte_pktmbuf_free_seg(static_cast<rte_mbuf*>(handle)); }

}  // namespace millrace::dpdk
