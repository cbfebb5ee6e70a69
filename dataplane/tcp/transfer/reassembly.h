// Octets that came before their turn (RFC 9293 §3.10.7.4, seventh step): runs of contiguous pieces sorted by
// sequence number, none overlapping another. The walk along them for one segment is bounded; the number of pieces
// is too, as far as they are small; octets are by the window. Always copied out of their packets. What is held is
// what SACK tells (RFC 2018), the latest first, and what came twice is told once (RFC 2883). A connection that
// misses nothing holds one pointer.
#pragma once

#include <array>
#include <cstdint>

#include "base/seq.h"
#include "tcp/memory.h"
#include "tcp/transfer/receive_queue.h"
#include "wire/segment.h"

namespace millrace::tcp {

class Reassembly {
 public:
  enum class Result : uint8_t { Stored, Duplicate, Full, NoMemory };

  explicit Reassembly(Memory& memory) : memory_(&memory) {}
  ~Reassembly() { clear(); }
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  bool empty() const { return gaps_ == nullptr || gaps_->head == nullptr; }
  // Runs walked past while anything was held: the price of segments out of order.
  uint32_t steps() const { return gaps_ == nullptr ? 0 : gaps_->steps; }
  uint32_t runs() const { return gaps_ == nullptr ? 0 : gaps_->runs; }
  uint32_t pieces() const { return gaps_ == nullptr ? 0 : gaps_->pieces; }
  Bytes octets() const { return gaps_ == nullptr ? 0 : gaps_->octets; }

  // Keeps what of [seq, seq + length) is not held yet: what came first stays (RFC 9293 §3.10.7.4 leaves the
  // choice). At most `bound` runs are walked past to find its place: it is near where the segment before was, or
  // at either end, or a peer makes it up. At most `bound` pieces, unless they hold kSmallPiece octets on average.
  Result insert(Seq seq, const uint8_t* data, Bytes length, uint32_t bound);
  // Moves what has become in order at `rcv_nxt` to the queue; returns the octets by which RCV.NXT moves. What
  // was held before it has come twice.
  Bytes release(Seq rcv_nxt, ReceiveQueue& queue);
  // A FIN that came early is remembered with its sequence number.
  void note_fin(Seq seq);
  bool fin_at(Seq rcv_nxt) const { return gaps_ != nullptr && gaps_->fin && gaps_->fin_seq == rcv_nxt; }
  void clear();

  // [begin, end) came again.
  void note_duplicate(Seq begin, Seq end);
  // The peer does not want to hear of it.
  void forget_duplicate();
  // Whether there is anything for a SACK option to tell.
  bool has_sack() const { return gaps_ != nullptr && (gaps_->head != nullptr || gaps_->duplicated); }
  // The blocks of the next SACK option, at most `room`: the duplicate, if any, then the block that came last
  // and those reported before it.
  void fill_sack(wire::TcpOptions& options, uint8_t room);

 private:
  static constexpr size_t kRecent = 4;
  static constexpr Bytes kSmallPiece = 512;
  struct Gaps {
    Piece* head = nullptr;
    Piece* last_run = nullptr;  // its first piece
    Piece* near = nullptr;      // likewise: the run that the segment before has become part of
    uint32_t runs = 0;
    uint32_t steps = 0;
    uint32_t pieces = 0;
    Bytes octets = 0;
    std::array<wire::SackBlock, kRecent> recent;  // blocks held, the latest first
    uint8_t recent_count = 0;
    bool duplicated = false;
    bool fin = false;
    Seq fin_seq;
    wire::SackBlock duplicate;
  };
  static_assert(sizeof(Gaps) <= kCellBytes);

  bool open();
  void release_if_done();
  Bytes append_to_block(Piece& run, const uint8_t* data, Bytes length);
  Result store(Piece*& before, Seq seq, const uint8_t* data, Bytes length, uint32_t bound);
  void join(Piece& run);
  void take_first();
  Piece* start_of_walk(Seq seq) const;
  Result insert_between(Seq seq, const uint8_t* data, Bytes length, uint32_t bound, Piece*& before);
  void note_recent(const wire::SackBlock& block);

  Memory* memory_;
  Gaps* gaps_ = nullptr;
};

}  // namespace millrace::tcp
