#include "tcp/transfer/receive_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace millrace::tcp {

bool ReceiveQueue::append(Packet& packet, Seq seq, const uint8_t* data, Bytes length) {
  if (length >= kHoldFrom && (head_ == nullptr || 2 * uint64_t{length} >= Memory::true_size(packet))) {
    if (Piece* piece = memory_->hold(packet, seq, data, length); piece != nullptr) {
      append(piece);
      return true;
    }
  }
  return append_copy(data, length);
}

void ReceiveQueue::append(Piece* piece) {
  piece->next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = piece;
  tail_ = piece;
  size_ += piece->length;
}

bool ReceiveQueue::append_copy(const uint8_t* data, Bytes length) {
  // Into the last block while it has room and ends where the queue ends.
  if (tail_ != nullptr && tail_->block != nullptr &&
      tail_->data + tail_->length == tail_->block->data + tail_->block->end &&
      tail_->block->room() >= length) {
    std::memcpy(tail_->block->data + tail_->block->end, data, length);
    tail_->block->end += length;
    tail_->length += length;
    size_ += length;
    return true;
  }
  // All of it or nothing: what a buffer larger than a block brought takes several.
  Piece* first = nullptr;
  Piece** link = &first;
  for (Bytes at = 0; at < length; at += Block::kCapacity) {
    *link = memory_->copy(Seq(), data + at, std::min<Bytes>(length - at, Block::kCapacity));
    if (*link == nullptr) {
      give_back_all(first);
      return false;
    }
    link = &(*link)->next;
  }
  while (first != nullptr) append(std::exchange(first, first->next));
  return true;
}

void ReceiveQueue::give_back_all(Piece* first) {
  while (first != nullptr) memory_->give_back(std::exchange(first, first->next));
}

std::span<const uint8_t> ReceiveQueue::front() const {
  if (head_ == nullptr) return {};
  return {head_->data, head_->length};
}

Bytes ReceiveQueue::copy(Bytes offset, std::span<uint8_t> out) const {
  Bytes copied = 0;
  for (const Piece* piece = head_; piece != nullptr && copied < out.size(); piece = piece->next) {
    if (offset >= piece->length) {
      offset -= piece->length;
      continue;
    }
    const auto part = static_cast<Bytes>(std::min<size_t>(piece->length - offset, out.size() - copied));
    std::memcpy(out.data() + copied, piece->data + offset, part);
    copied += part;
    offset = 0;
  }
  return copied;
}

void ReceiveQueue::consume(Bytes count) {
  MILLRACE_CHECK(count <= size_);
  size_ -= count;
  while (count != 0) {
    const Bytes part = std::min(count, head_->length);
    head_->data += part;
    head_->length -= part;
    count -= part;
    if (head_->length != 0) return;
    Piece* gone = head_;
    head_ = gone->next;
    if (head_ == nullptr) tail_ = nullptr;
    memory_->give_back(gone);
  }
}

void ReceiveQueue::clear() { consume(size_); }

}  // namespace millrace::tcp
