// Half-open passive connections: a record of one line each until the handshake's ACK comes. Neighbours:
// handshake.h, which makes a TCB of a record.
#pragma once

#include <array>
#include <cstdint>

#include "base/params.h"
#include "base/slab.h"
#include "flow/key.h"
#include "tcp/context.h"
#include "timer/deadline_fifo.h"
#include "wire/segment.h"

namespace millrace::tcp {

struct alignas(64) SynRecord {
  flow::FlowKey key;
  timer::FifoLinks links;
  Instant sent_at{};  // of the last SYN-ACK
  Seq iss;
  Seq irs;
  uint32_t ts_recent = 0;
  WireWindow peer_window;
  Mss peer_mss{0};  // 0: not announced
  Mss our_mss;
  uint16_t listener = 0;
  uint8_t retries : 4 = 0;
  uint8_t peer_scale : 4 = 0;  // kNoScale: not offered
  uint8_t our_scale : 4 = 0;
  uint8_t timestamps : 1 = 0;      // offered by the peer
  uint8_t sack_permitted : 1 = 0;  // likewise
  uint8_t ecn : 1 = 0;             // by an ECN-setup SYN (RFC 3168 §6.1.1): the SYN-ACK agrees
  uint8_t challenged : 1 = 0;      // since the last SYN-ACK: one challenge ACK between two of them

  SynRecord(const flow::FlowKey& flow, const wire::Segment& syn, Seq our_isn, Mss announced,
            uint16_t listener_index, const TcpParams& params);
  bool scaled() const { return peer_scale != kNoScale; }
  wire::TcpOptions offered() const;
  wire::TcpOptions answered(const TcpParams& params) const;
  Bytes window_offered() const { return window_; }

 private:
  static constexpr uint8_t kNoScale = 15;  // RFC 7323 §2.3: 14 is the largest
  uint16_t window_ = 0;
};
static_assert(sizeof(SynRecord) == 64);

enum class SynAction : uint8_t {
  Drop,
  Answer,       // the SYN came again: send the SYN-ACK again
  Acknowledge,  // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
  Reset,        // as RFC 9293 §3.10.7.1, and the record stays
  Remove,       // back to LISTEN
  Promote,      // the ACK has come
};

// RFC 9293 §3.10.7.4 for a passive SYN-RECEIVED without text.
SynAction on_segment(const SynRecord& record, const wire::Segment& segment, DropReason& reason);

// The SYN-ACK of a record, and the bare ACK.
void syn_ack(const SynRecord& record, const TcpParams& params, uint32_t ts_offset, Instant now,
             wire::Segment& out);
void acknowledge(const SynRecord& record, uint32_t ts_offset, Instant now, wire::Segment& out);

// When the first SYN-ACK left: every time-out since has been twice the one before, up to the last level.
Instant first_sent_at(const SynRecord& record, Micros rto_initial);

// The records of a shard with their retransmission deadlines: one FIFO a level of backoff, for within a level
// all wait equally long.
class SynQueue {
 public:
  static constexpr size_t kLevels = 9;

  explicit SynQueue(uint32_t bound);
  ~SynQueue();

  // kNoIndex: the bound is reached.
  template <typename... Args>
  uint32_t create(Args&&... args) {
    return records_.create(std::forward<Args>(args)...);
  }
  SynRecord& operator[](uint32_t index) { return records_[index]; }
  const SynRecord& operator[](uint32_t index) const { return records_[index]; }
  const void* address(uint32_t index) const { return records_.address(index); }
  // The SYN-ACK has been sent: waits for the level of record.retries.
  void sent(uint32_t index, Instant now);
  void destroy(uint32_t index);

  uint32_t size() const { return records_.used(); }
  bool full() const { return records_.full(); }
  bool contains(uint32_t index) const { return records_.contains(index); }
  uint32_t extent() const { return records_.extent(); }
  Instant next_deadline(Micros rto_initial) const;
  // Calls on_due(index) for records whose time is up; they are out of the queue then: sent() or destroy()
  // them.
  template <typename F>
  void expire(Instant now, Micros rto_initial, F&& on_due);

 private:
  struct LinksOf {
    Slab<SynRecord>* records;
    timer::FifoLinks& operator()(uint32_t index) const { return (*records)[index].links; }
  };
  using Fifo = timer::DeadlineFifo<LinksOf>;
  Fifo& level_of(const SynRecord& record) { return levels_[std::min<size_t>(record.retries, kLevels - 1)]; }

  Slab<SynRecord> records_;
  std::array<Fifo, kLevels> levels_;
};

template <typename F>
void SynQueue::expire(Instant now, Micros rto_initial, F&& on_due) {
  for (size_t level = 0; level < kLevels; ++level) {
    const Micros wait = rto_initial * (1 << level);  // RFC 6298 §5.5
    levels_[level].expire(
        now, [&](uint32_t index) { return records_[index].sent_at + wait; }, on_due);
  }
}

}  // namespace millrace::tcp
