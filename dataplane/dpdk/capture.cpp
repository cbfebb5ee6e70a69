#include "dpdk/capture.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include "wire/checksum.h"

namespace millrace::dpdk {

namespace {

constexpr size_t kTcpChecksum = 16;  // RFC 9293 §3.1: where the field stands in the header

int64_t monotonic() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The field holds the pseudo-header's sum and the device does the rest (tx.cpp); here the copy gets what the
// link will see. `captured` octets are in `copy`.
void finish_checksum(const rte_mbuf& mbuf, uint8_t* copy, uint32_t captured) {
  if ((mbuf.ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_TCP_CKSUM) return;
  const size_t tcp = mbuf.l2_len + mbuf.l3_len;
  if (tcp + kTcpChecksum + 2 > captured) return;
  const auto* frame = rte_pktmbuf_mtod(&mbuf, const uint8_t*);
  const uint16_t checksum = wire::sum_of(frame + tcp, mbuf.data_len - tcp).checksum();
  copy[tcp + kTcpChecksum] = static_cast<uint8_t>(checksum >> 8);
  copy[tcp + kTcpChecksum + 1] = static_cast<uint8_t>(checksum);
}

}  // namespace

// Zeroed, and so touched: the lcore shall meet no page fault.
CaptureLane::CaptureLane(CaptureParams params, size_t room)
    : params_(std::move(params)), size_(room), room_(std::make_unique<uint8_t[]>(room)) {}

void CaptureLane::take(std::span<rte_mbuf* const> mbufs, CaptureDirection direction) {
  if (!wants(direction)) return;
  int64_t time = 0;  // of the burst, read when something of it is wanted
  for (const rte_mbuf* mbuf : mbufs) {
    if (!params_.filter.wants(rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->pkt_len, mbuf->data_len))
      continue;
    if (time == 0) time = params_.epoch + monotonic();
    take_one(*mbuf, direction, time);
  }
  tail_.store(writing_, std::memory_order_release);
}

void CaptureLane::take_one(const rte_mbuf& mbuf, CaptureDirection direction, int64_t time) {
  const uint32_t captured = std::min(mbuf.pkt_len, params_.snap_length);
  uint8_t* place = reserve(captured);
  if (place == nullptr) {
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return;
  }
  const Record record{time, mbuf.pkt_len, captured, direction, 0};
  std::memcpy(place, &record, sizeof record);
  uint8_t* copy = place + sizeof record;
  const void* octets = rte_pktmbuf_read(&mbuf, 0, captured, copy);  // copies a chain, points into one piece
  if (octets != copy) std::memcpy(copy, octets, captured);
  if (direction == CaptureDirection::Out) finish_checksum(mbuf, copy, captured);
  writing_ += size_of(captured);
}

uint8_t* CaptureLane::reserve(uint32_t captured) {
  const size_t size = size_of(captured);
  const size_t left = left_to_end(writing_);
  const size_t skipped = left < size ? left : 0;
  if (writing_ + skipped + size - head_.load(std::memory_order_acquire) > size_) return nullptr;
  if (skipped >= sizeof(Record)) {
    const Record filler{0, 0, 0, CaptureDirection::In, 1};
    std::memcpy(at(writing_), &filler, sizeof filler);
  }
  writing_ += skipped;
  return at(writing_);
}

bool CaptureLane::front(Frame& out) {
  const uint64_t tail = tail_.load(std::memory_order_acquire);
  uint64_t head = head_.load(std::memory_order_relaxed);
  if (head == tail) return false;
  Record record{.time = 0, .length = 0, .captured = 0, .direction = CaptureDirection::In, .filler = 1};
  if (left_to_end(head) >= sizeof record) std::memcpy(&record, at(head), sizeof record);
  if (record.filler != 0) {
    head += left_to_end(head);
    head_.store(head, std::memory_order_release);
    if (head == tail) return false;
    std::memcpy(&record, at(head), sizeof record);
  }
  out = {record.time, record.length, record.direction, {at(head) + sizeof record, record.captured}};
  return true;
}

void CaptureLane::pop() {
  Frame frame;
  if (!front(frame)) return;
  const uint64_t head = head_.load(std::memory_order_relaxed);
  head_.store(head + size_of(static_cast<uint32_t>(frame.octets.size())), std::memory_order_release);
}

const CapturePoint& CapturePoint::none() {
  static const CapturePoint nobody;
  return nobody;
}

}  // namespace millrace::dpdk
