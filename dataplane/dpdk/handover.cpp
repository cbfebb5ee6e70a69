#include "dpdk/handover.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <type_traits>

namespace millrace::dpdk {

namespace {

using shard::Notice;

// As deep as the receive rings of most devices: an lcore that falls behind finds the same limit either way.
constexpr unsigned kPackets = 2048;
constexpr unsigned kNotices = 1024;
static_assert(std::is_trivially_copyable_v<Notice> && sizeof(Notice) % 4 == 0, "rings copy words");

}  // namespace

Result<std::unique_ptr<Inboxes>> Inboxes::create(std::span<const std::unique_ptr<Doorbell>> doorbells,
                                                 const std::string& name) {
  std::unique_ptr<Inboxes> inboxes(new Inboxes);
  inboxes->doorbells_ = doorbells;
  for (size_t i = 0; i < doorbells.size(); ++i) {
    const std::string number = name + std::to_string(i);
    rte_ring* packets = rte_ring_create((number + "p").c_str(), kPackets, SOCKET_ID_ANY, RING_F_SC_DEQ);
    if (packets != nullptr) inboxes->packets_.push_back(packets);
    rte_ring* notices =
        rte_ring_create_elem((number + "n").c_str(), sizeof(Notice), kNotices, SOCKET_ID_ANY, RING_F_SC_DEQ);
    if (notices != nullptr) inboxes->notices_.push_back(notices);
    if (packets == nullptr || notices == nullptr)
      return Failure{std::string("no memory for the rings between lcores: ") + rte_strerror(rte_errno) +
                     "; raise eal.memory_bytes"};
  }
  return inboxes;
}

Inboxes::~Inboxes() {
  for (rte_ring* ring : packets_) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    rte_ring_free(ring);
  }
  for (rte_ring* ring : notices_) rte_ring_free(ring);
}

Handover::Handover(const Inboxes& inboxes, unsigned own)
    : inboxes_(inboxes), own_(own), batches_(inboxes.shards()) {
  filled_.reserve(inboxes.shards());
}

Handover::~Handover() { flush(); }

bool Handover::hand_over(unsigned shard, Packet& packet) {
  Batch& batch = batches_[shard];
  if (batch.count == 0) filled_.push_back(shard);
  batch.mbufs[batch.count++] = static_cast<rte_mbuf*>(packet.detach());
  if (batch.count == kBatch) {
    refused_ += send(shard);
    std::erase(filled_, shard);
  }
  return true;
}

uint64_t Handover::send(unsigned shard) {
  Batch& batch = batches_[shard];
  const unsigned sent = rte_ring_enqueue_burst(
      inboxes_.packets(shard), reinterpret_cast<void* const*>(batch.mbufs), batch.count, nullptr);
  inboxes_.doorbell(shard).ring();
  const uint64_t refused = batch.count - sent;
  if (refused != 0) rte_pktmbuf_free_bulk(batch.mbufs + sent, batch.count - sent);
  batch.count = 0;
  return refused;
}

uint64_t Handover::flush() {
  for (const unsigned shard : filled_) refused_ += send(shard);
  filled_.clear();
  return std::exchange(refused_, 0);
}

bool Handover::tell(unsigned shard, const Notice& notice) {
  const bool told =
      rte_ring_enqueue_elem(inboxes_.notices(shard), const_cast<Notice*>(&notice), sizeof notice) == 0;
  inboxes_.doorbell(shard).ring();
  return told;
}

uint16_t Handover::receive(std::span<rte_mbuf*> mbufs) {
  return static_cast<uint16_t>(rte_ring_dequeue_burst(inboxes_.packets(own_),
                                                      reinterpret_cast<void**>(mbufs.data()),
                                                      static_cast<unsigned>(mbufs.size()), nullptr));
}

bool Handover::hear(Notice& notice) {
  return rte_ring_dequeue_elem(inboxes_.notices(own_), &notice, sizeof notice) == 0;
}

bool Handover::empty() const {
  return rte_ring_empty(inboxes_.packets(own_)) != 0 && rte_ring_empty(inboxes_.notices(own_)) != 0;
}

}  // namespace millrace::dpdk
