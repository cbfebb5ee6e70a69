// Octets received in order and not yet consumed by the application. Large payloads stay in the packet that
// brought them; small ones are copied together, so that one-octet segments cannot pin a pool of packets.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "tcp/memory.h"

namespace millrace::tcp {

// Payloads from this size on are held in their packet, where they fill half of it or nothing else is queued.
inline constexpr Bytes kHoldFrom = 512;

class ReceiveQueue {
 public:
  explicit ReceiveQueue(Memory& memory) : memory_(&memory) {}
  ~ReceiveQueue() { clear(); }
  ReceiveQueue(const ReceiveQueue&) = delete;
  ReceiveQueue& operator=(const ReceiveQueue&) = delete;

  Bytes size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Appends the payload, which lies in `packet` and may be taken from there. False: no memory, nothing
  // changed.
  bool append(Packet& packet, Seq seq, const uint8_t* data, Bytes length);
  // Appends a piece that reassembly had held.
  void append(Piece* piece);

  // The first run of octets.
  std::span<const uint8_t> front() const;
  // Copies octets from `offset` on, as many as there are and `out` takes; returns how many.
  Bytes copy(Bytes offset, std::span<uint8_t> out) const;
  void consume(Bytes count);
  void clear();

 private:
  bool append_copy(const uint8_t* data, Bytes length);
  void give_back_all(Piece* first);

  Memory* memory_;
  Piece* head_ = nullptr;
  Piece* tail_ = nullptr;
  Bytes size_ = 0;
};

}  // namespace millrace::tcp
