#include "dpdk/rx.h"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

namespace millrace::dpdk {

namespace {

// NONE is not "unchecked": the field is unfinished, as on frames that never left a host, and the data is
// good.
RxChecksum checksum_of(const rte_mbuf& mbuf) {
  switch (mbuf.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
    case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
    case RTE_MBUF_F_RX_L4_CKSUM_NONE:
      return RxChecksum::Good;
    case RTE_MBUF_F_RX_L4_CKSUM_BAD:
      return RxChecksum::Bad;
    default:
      return RxChecksum::Unknown;
  }
}

}  // namespace

RxQueue::RxQueue(const RxQueueParams& params, MbufPool& pool, Counters& counters)
    : params_(params),
      pass_(gate_of(params.port)),
      pool_(pool),
      counters_(counters),
      mbufs_(params.burst),
      packets_(params.burst) {}

std::span<Packet> RxQueue::receive() {
  if (!pass_.open() || !params_.queue) [[unlikely]]
    return {};
  uint16_t received = rte_eth_rx_burst(params_.port, *params_.queue, mbufs_.data(), params_.burst);
  if (received == params_.burst) counters_.rx_full_bursts.add();
  if (params_.vlan != 0) received = untagged(received);
  return wrapped(received);
}

std::span<Packet> RxQueue::receive(Handover& handover) { return wrapped(handover.receive(mbufs_)); }

std::span<Packet> RxQueue::wrapped(uint16_t received) {
  for (uint16_t i = 0; i < received; ++i) {
    // Headers end in the second line.
    rte_prefetch0(rte_pktmbuf_mtod(mbufs_[i], void*));
    rte_prefetch0(rte_pktmbuf_mtod_offset(mbufs_[i], void*, RTE_CACHE_LINE_SIZE));
  }
  size_t count = 0;
  for (uint16_t i = 0; i < received; ++i) {
    rte_mbuf* mbuf = mbufs_[i];
    if (mbuf->nb_segs != 1) [[unlikely]]
      mbuf = linearised(mbuf);
    if (params_.copies && mbuf != nullptr) mbuf = copied(mbuf);
    if (mbuf == nullptr) continue;
    Packet& packet = packets_[count++];
    packet = pool_.wrap(mbuf);
    packet.rx_checksum = params_.waived ? RxChecksum::Good : checksum_of(*mbuf);
  }
  return {packets_.data(), count};
}

// IEEE 802.1Q: the frames of our VLAN lose their tag, and all others are not for us. What other lcores hand
// over has been through here.
uint16_t RxQueue::untagged(uint16_t received) {
  uint16_t kept = 0;
  for (uint16_t i = 0; i < received; ++i) {
    rte_mbuf* mbuf = mbufs_[i];
    const bool whole = mbuf->data_len >= RTE_ETHER_HDR_LEN + sizeof(rte_vlan_hdr);
    if (whole && rte_vlan_strip(mbuf) == 0 && (mbuf->vlan_tci & 0x0fff) == params_.vlan) {
      mbufs_[kept++] = mbuf;
      continue;
    }
    counters_.drop(whole ? DropReason::UnknownEtherType : DropReason::FrameTooShort);
    rte_pktmbuf_free(mbuf);
  }
  return kept;
}

// Buffers are as large as the port's frames: a chain is a larger one, unless the device merges small buffers.
rte_mbuf* RxQueue::linearised(rte_mbuf* mbuf) {
  if (rte_pktmbuf_linearize(mbuf) == 0) return mbuf;
  rte_pktmbuf_free(mbuf);
  counters_.drop(DropReason::FrameTooLong);
  return nullptr;
}

rte_mbuf* RxQueue::copied(rte_mbuf* mbuf) {
  rte_mbuf* copy = rte_pktmbuf_copy(mbuf, pool_.get(), 0, UINT32_MAX);
  rte_pktmbuf_free(mbuf);
  if (copy == nullptr) counters_.drop(DropReason::PacketPoolEmpty);
  return copy;
}

}  // namespace millrace::dpdk
