#include "base/packet.h"

namespace millrace {

HeapPool::HeapPool(size_t packets, uint32_t capacity)
    : capacity_(capacity), memory_(std::make_unique_for_overwrite<uint8_t[]>(packets * capacity)) {
  free_.reserve(packets);
  for (size_t i = packets; i-- > 0;) free_.push_back(memory_.get() + i * capacity);
}

HeapPool::~HeapPool() { MILLRACE_CHECK(outstanding_ == 0); }

Packet HeapPool::allocate() {
  if (free_.empty()) return {};
  uint8_t* data = free_.back();
  free_.pop_back();
  ++outstanding_;
  return Packet(this, data, data, 0, capacity_);
}

void HeapPool::release(void* handle) noexcept {
  free_.push_back(static_cast<uint8_t*>(handle));
  --outstanding_;
}

}  // namespace millrace
