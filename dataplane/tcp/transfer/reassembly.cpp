#include "tcp/transfer/reassembly.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::tcp {

Reassembly::Result Reassembly::store(Piece** link, Seq seq, const uint8_t* data, Bytes length,
                                     uint32_t bound) {
  while (length != 0) {
    if (pieces_ >= bound) return Result::Full;
    const Bytes part = std::min<Bytes>(length, Block::kCapacity);
    Piece* piece = memory_->copy(seq, data, part);
    if (piece == nullptr) return Result::NoMemory;
    piece->next = *link;
    *link = piece;
    link = &piece->next;
    ++pieces_;
    octets_ += part;
    seq += part;
    data += part;
    length -= part;
  }
  return Result::Stored;
}

Reassembly::Result Reassembly::insert(Seq seq, const uint8_t* data, Bytes length, uint32_t bound) {
  Result result = Result::Duplicate;
  const Seq end = seq + length;
  Piece** link = &head_;
  while (seq.before(end)) {
    while (*link != nullptr && (*link)->end().before_or_at(seq)) link = &(*link)->next;
    // [seq, stop) is free, up to the next piece held.
    const Seq stop = *link == nullptr ? end : later(seq, earlier(end, (*link)->seq));
    if (const Bytes gap = stop - seq; gap != 0) {
      result = store(link, seq, data, gap, bound);
      if (result != Result::Stored) return result;
      while (*link != nullptr && (*link)->seq.before(stop))
        link = &(*link)->next;  // past what was just stored
    }
    if (*link == nullptr) break;
    const Seq after = (*link)->end();
    if (after.after_or_at(end)) break;
    data += after - seq;
    seq = after;
  }
  return result;
}

Bytes Reassembly::release(Seq rcv_nxt, ReceiveQueue& queue) {
  Bytes moved = 0;
  while (head_ != nullptr && head_->seq.before_or_at(rcv_nxt)) {
    Piece* piece = head_;
    head_ = piece->next;
    --pieces_;
    octets_ -= piece->length;
    if (piece->end().before_or_at(rcv_nxt)) {
      memory_->give_back(piece);
      continue;
    }
    const Bytes known = rcv_nxt - piece->seq;
    piece->data += known;
    piece->length -= known;
    moved += piece->length;
    rcv_nxt += piece->length;
    queue.append(piece);
  }
  return moved;
}

void Reassembly::clear() {
  while (head_ != nullptr) {
    Piece* piece = head_;
    head_ = piece->next;
    memory_->give_back(piece);
  }
  pieces_ = 0;
  octets_ = 0;
}

}  // namespace millrace::tcp
