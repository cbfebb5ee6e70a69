// Frames on their way through a queue, copied for a capture. A loop looks once a burst at its CapturePoint;
// while a capture runs it copies what the filter wants into its CaptureLane, which another thread empties.
// What finds no room there is counted and never waited for. Neighbours: rx.h and tx.h (where frames pass),
// capture_filter.h, control/capture/ (who begins, reads and ends captures).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dpdk/capture_filter.h"

struct rte_mbuf;

namespace millrace::dpdk {

enum class CaptureDirection : uint32_t {
  In = 1,
  Out = 2
};  // as epb_flags has them (draft-ietf-opsawg-pcapng §4.3.1)

struct CaptureParams {
  CaptureFilter filter;
  uint32_t snap_length = 65535;  // octets kept of a frame, at most 65535
  bool in = true;
  bool out = true;
  int64_t epoch =
      0;  // CLOCK_MONOTONIC's zero as nanoseconds since 1970: no frame goes back when the clock is set
};

// Copies from one lcore to one reader, neither of which waits.
class CaptureLane {
 public:
  struct Frame {
    int64_t time = 0;     // nanoseconds since 1970
    uint32_t length = 0;  // as it was on the link
    CaptureDirection direction = CaptureDirection::In;
    std::span<const uint8_t> octets;  // its first; valid until pop()
  };

  // `room`: octets, a power of two of at least 256 KiB.
  CaptureLane(CaptureParams params, size_t room);
  CaptureLane(const CaptureLane&) = delete;
  CaptureLane& operator=(const CaptureLane&) = delete;

  // ---- the lcore
  [[gnu::noinline]] void take(std::span<rte_mbuf* const> mbufs, CaptureDirection direction);

  // ---- the reader
  // The oldest; false: there is none.
  bool front(Frame& out);
  void pop();

  // ---- any thread
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  // What stands before the octets of a frame. A filler has no frame: the next begins where the lane does.
  struct Record {
    int64_t time;
    uint32_t length;
    uint32_t captured;
    CaptureDirection direction;
    uint32_t filler;
  };
  static constexpr size_t kLine = 64;

  static size_t size_of(uint32_t captured) { return (sizeof(Record) + captured + 7) & ~size_t{7}; }
  bool wants(CaptureDirection direction) const {
    return direction == CaptureDirection::In ? params_.in : params_.out;
  }
  void take_one(const rte_mbuf& mbuf, CaptureDirection direction, int64_t time);
  // Room for a frame in one piece; null: there is none now.
  uint8_t* reserve(uint32_t captured);
  uint8_t* at(uint64_t position) { return room_.get() + (position & (size_ - 1)); }
  size_t left_to_end(uint64_t position) const { return size_ - (position & (size_ - 1)); }

  const CaptureParams params_;
  const size_t size_;
  const std::unique_ptr<uint8_t[]> room_;
  alignas(kLine) std::atomic<uint64_t> tail_{0};  // written by the lcore, read by both
  uint64_t writing_ = 0;                          // the lcore's: the tail with what is not published
  std::atomic<uint64_t> dropped_{0};              // written by the lcore
  alignas(kLine) std::atomic<uint64_t> head_{0};  // written by the reader, read by both
};

// One lcore's, and touched by it alone while its loop runs: a capture is begun and ended by commands of its
// mailbox.
class CapturePoint {
 public:
  CaptureLane* lane() const { return lane_.get(); }
  // What was there before comes back in `lane`, to be destroyed by another thread.
  void exchange(std::shared_ptr<CaptureLane>& lane) { lane_.swap(lane); }
  // Of queues that nobody captures from.
  static const CapturePoint& none();

 private:
  std::shared_ptr<CaptureLane> lane_;
};

}  // namespace millrace::dpdk
