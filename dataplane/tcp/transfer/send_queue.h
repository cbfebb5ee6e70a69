// Octets that the application has handed over and the peer has not acknowledged. Copied in once, and copied
// once more into each segment that carries them: what the driver holds is never ours to keep.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "tcp/memory.h"

namespace millrace::tcp {

class SendQueue {
 public:
  explicit SendQueue(Memory& memory) : memory_(&memory) {}
  ~SendQueue() { clear(); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  Bytes size() const { return size_; }

  // Appends as much as memory allows; returns how much.
  Bytes append(std::span<const uint8_t> octets);
  // Room in one run to write into, at most `want`; empty: no memory.
  std::span<uint8_t> reserve(Bytes want);
  void commit(Bytes count);

  // Copies [offset, offset + length) counted from the front into `out`.
  void copy(Bytes offset, Bytes length, uint8_t* out);
  // The peer has acknowledged the first `count` octets.
  void release(Bytes count);
  void clear();

 private:
  Block* writable_tail();
  void seek(Bytes offset);

  Memory* memory_;
  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  Block* cursor_ = nullptr;  // where the last copy ended: sending goes on from there
  Bytes cursor_offset_ = 0;  // of the cursor block's first octet, from the front
  Bytes size_ = 0;
};

}  // namespace millrace::tcp
