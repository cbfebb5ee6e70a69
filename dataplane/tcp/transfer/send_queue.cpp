#include "tcp/transfer/send_queue.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace millrace::tcp {

Block* SendQueue::writable_tail() {
  if (tail_ != nullptr && tail_->room() != 0) return tail_;
  Block* block = memory_->take_block();
  if (block == nullptr) return nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = block;
  tail_ = block;
  return block;
}

Bytes SendQueue::append(std::span<const uint8_t> octets) {
  Bytes done = 0;
  while (done < octets.size()) {
    Block* block = writable_tail();
    if (block == nullptr) break;
    const auto count = static_cast<Bytes>(std::min<size_t>(block->room(), octets.size() - done));
    std::memcpy(block->data + block->end, octets.data() + done, count);
    block->end += count;
    done += count;
  }
  size_ += done;
  return done;
}

std::span<uint8_t> SendQueue::reserve(Bytes want) {
  Block* block = want == 0 ? nullptr : writable_tail();
  if (block == nullptr) return {};
  return {block->data + block->end, std::min(want, block->room())};
}

void SendQueue::commit(Bytes count) {
  MILLRACE_CHECK(tail_ != nullptr && count <= tail_->room());
  tail_->end += count;
  size_ += count;
}

void SendQueue::seek(Bytes offset) {
  if (cursor_ == nullptr || offset < cursor_offset_) {
    cursor_ = head_;
    cursor_offset_ = 0;
  }
  while (offset - cursor_offset_ >= cursor_->size() && cursor_->next != nullptr) {
    cursor_offset_ += cursor_->size();
    cursor_ = cursor_->next;
  }
}

void SendQueue::copy(Bytes offset, Bytes length, uint8_t* out) {
  MILLRACE_CHECK(offset + length <= size_);
  while (length != 0) {
    seek(offset);
    const Bytes skip = offset - cursor_offset_;
    const Bytes count = std::min(length, cursor_->size() - skip);
    std::memcpy(out, cursor_->data + cursor_->begin + skip, count);
    out += count;
    offset += count;
    length -= count;
  }
}

void SendQueue::release(Bytes count) {
  MILLRACE_CHECK(count <= size_);
  size_ -= count;
  cursor_offset_ = cursor_offset_ > count ? cursor_offset_ - count : 0;
  while (head_ != nullptr) {
    const Bytes part = std::min(count, head_->size());
    head_->begin += part;
    count -= part;
    if (head_->size() != 0) break;
    // An empty tail with room left goes too: an idle connection holds no memory.
    Block* gone = head_;
    head_ = gone->next;
    if (cursor_ == gone) cursor_ = nullptr;
    memory_->give_back(gone);
  }
  if (head_ == nullptr) tail_ = nullptr;
  if (cursor_ == head_) cursor_offset_ = 0;
}

void SendQueue::clear() {
  release(size_);
  MILLRACE_CHECK(head_ == nullptr);
}

}  // namespace millrace::tcp
