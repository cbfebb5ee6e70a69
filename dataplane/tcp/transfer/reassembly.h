// Octets that came before their turn (RFC 9293 §3.10.7.4, seventh step): pieces sorted by sequence number,
// none overlapping another, bounded in number and, by the window, in octets. Always copied out of their
// packets.
#pragma once

#include <cstdint>

#include "base/seq.h"
#include "tcp/memory.h"
#include "tcp/transfer/receive_queue.h"

namespace millrace::tcp {

class Reassembly {
 public:
  enum class Result : uint8_t { Stored, Duplicate, Full, NoMemory };

  explicit Reassembly(Memory& memory) : memory_(&memory) {}
  ~Reassembly() { clear(); }
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  bool empty() const { return head_ == nullptr; }
  uint32_t pieces() const { return pieces_; }
  Bytes octets() const { return octets_; }

  // Keeps what of [seq, seq + length) is not held yet: what came first stays (RFC 9293 §3.10.7.4 leaves the
  // choice). At most `bound` pieces.
  Result insert(Seq seq, const uint8_t* data, Bytes length, uint32_t bound);
  // Moves what has become in order at `rcv_nxt` to the queue; returns the octets by which RCV.NXT moves.
  Bytes release(Seq rcv_nxt, ReceiveQueue& queue);
  // A FIN that came early is remembered with its sequence number.
  void note_fin(Seq seq) {
    fin_ = true;
    fin_seq_ = seq;
  }
  bool fin_at(Seq rcv_nxt) const { return fin_ && fin_seq_ == rcv_nxt; }
  void clear();

 private:
  Result store(Piece** link, Seq seq, const uint8_t* data, Bytes length, uint32_t bound);

  Memory* memory_;
  Piece* head_ = nullptr;
  uint32_t pieces_ = 0;
  Bytes octets_ = 0;
  Seq fin_seq_;
  bool fin_ = false;
};

}  // namespace millrace::tcp
