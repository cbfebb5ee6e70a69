#include "dpdk/tx.h"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include <cstddef>

#include "wire/build.h"

namespace millrace::dpdk {

namespace {

// Tells the device where the TCP header lies whose checksum it shall finish: our own frames, of known form.
void request_checksum(rte_mbuf& mbuf, const uint8_t* frame) {
  const uint8_t* ip = frame + wire::kEthernetHeader;
  const bool v4 = (ip[0] >> 4) == 4;
  mbuf.l2_len = wire::kEthernetHeader;
  mbuf.l3_len = v4 ? static_cast<uint16_t>((ip[0] & 0xf) * 4) : 40;
  mbuf.ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
}

// The mbuf may have been received and turned into an answer: what its receipt said no longer holds.
rte_mbuf* mbuf_of(Packet& packet) {
  const uint8_t* data = packet.data();
  const auto length = static_cast<uint16_t>(packet.length());
  const bool finish = packet.tx_l4_checksum;
  auto* mbuf = static_cast<rte_mbuf*>(packet.detach());
  mbuf->data_off = static_cast<uint16_t>(data - static_cast<const uint8_t*>(mbuf->buf_addr));
  mbuf->data_len = length;
  mbuf->pkt_len = length;
  mbuf->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
  if (finish) request_checksum(*mbuf, data);
  return mbuf;
}

}  // namespace

struct TxLock {
  rte_spinlock_t lock = RTE_SPINLOCK_INITIALIZER;
};

std::shared_ptr<TxLock> make_tx_lock() { return std::make_shared<TxLock>(); }

TxQueue::TxQueue(uint16_t port, uint16_t queue, Counters& counters, std::shared_ptr<TxLock> shared,
                 uint16_t vlan)
    : port_(port),
      queue_(queue),
      vlan_(vlan),
      pass_(gate_of(port)),
      counters_(counters),
      shared_(std::move(shared)) {}

TxQueue::~TxQueue() { rte_pktmbuf_free_bulk(mbufs_.data(), static_cast<unsigned>(mbufs_.size())); }

uint16_t TxQueue::send_burst(size_t from) {
  const auto count = static_cast<uint16_t>(mbufs_.size() - from);
  if (shared_ == nullptr) [[likely]]
    return rte_eth_tx_burst(port_, queue_, mbufs_.data() + from, count);
  rte_spinlock_lock(&shared_->lock);
  const uint16_t taken = rte_eth_tx_burst(port_, queue_, mbufs_.data() + from, count);
  rte_spinlock_unlock(&shared_->lock);
  return taken;
}

void TxQueue::push(rte_mbuf* mbuf, uint8_t priority) {
  if (vlan_ != 0) [[unlikely]]
    return push_tagged(mbuf, priority);
  mbufs_.push_back(mbuf);
}

// IEEE 802.1Q, in the buffer's headroom; what the device is told of the link header's length follows.
void TxQueue::push_tagged(rte_mbuf* mbuf, uint8_t priority) {
  mbuf->vlan_tci = static_cast<uint16_t>((priority & 7U) << 13 | vlan_);
  if (rte_vlan_insert(&mbuf) == 0) {
    mbufs_.push_back(mbuf);
    return;
  }
  rte_pktmbuf_free(mbuf);
  counters_.drop(DropReason::PacketPoolEmpty);
}

void TxQueue::send(PacketBatch& batch) {
  const bool open = pass_.open();
  for (Packet& packet : batch.packets()) push(mbuf_of(packet), packet.priority);
  batch.clear();
  size_t sent = 0;
  while (open && sent < mbufs_.size()) {
    const uint16_t taken = send_burst(sent);
    if (taken == 0) break;
    sent += taken;
  }
  mbufs_.erase(mbufs_.begin(), mbufs_.begin() + static_cast<std::ptrdiff_t>(sent));
  const size_t kept = open ? kBacklog : 0;
  if (mbufs_.size() > kept) [[unlikely]]
    drop_from(kept);
}

void TxQueue::drop_from(size_t first) {
  for (size_t i = first; i < mbufs_.size(); ++i) {
    rte_pktmbuf_free(mbufs_[i]);
    counters_.drop(DropReason::TxQueueFull);
  }
  mbufs_.resize(first);
}

}  // namespace millrace::dpdk
