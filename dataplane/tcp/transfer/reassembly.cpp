#include "tcp/transfer/reassembly.h"

#include <algorithm>
#include <new>

#include "base/check.h"

namespace millrace::tcp {

bool Reassembly::open() {
  if (gaps_ != nullptr) return true;
  void* cell = memory_->take_cell();
  if (cell == nullptr) return false;
  gaps_ = new (cell) Gaps;
  return true;
}

// Nothing held, nothing to tell.
void Reassembly::release_if_done() {
  if (gaps_ == nullptr || gaps_->head != nullptr || gaps_->duplicated || gaps_->fin) return;
  memory_->give_back_cell(gaps_);
  gaps_ = nullptr;
}

Reassembly::Result Reassembly::store(Piece** link, Seq seq, const uint8_t* data, Bytes length,
                                     uint32_t bound) {
  while (length != 0) {
    if (gaps_->pieces >= bound) return Result::Full;
    const Bytes part = std::min<Bytes>(length, Block::kCapacity);
    Piece* piece = memory_->copy(seq, data, part);
    if (piece == nullptr) return Result::NoMemory;
    piece->next = *link;
    if (*link == nullptr) gaps_->tail = piece;
    *link = piece;
    link = &piece->next;
    ++gaps_->pieces;
    gaps_->octets += part;
    seq += part;
    data += part;
    length -= part;
  }
  return Result::Stored;
}

Reassembly::Result Reassembly::insert_between(Seq seq, const uint8_t* data, Bytes length, uint32_t bound) {
  Result result = Result::Duplicate;
  const Seq end = seq + length;
  Piece** link = &gaps_->head;
  // Behind everything held is where the next segment of a burst belongs.
  if (gaps_->tail != nullptr && seq.after_or_at(gaps_->tail->end())) link = &gaps_->tail->next;
  while (seq.before(end)) {
    while (*link != nullptr && (*link)->end().before_or_at(seq)) link = &(*link)->next;
    // [seq, stop) is free, up to the next piece held.
    const Seq stop = *link == nullptr ? end : later(seq, earlier(end, (*link)->seq));
    if (const Bytes gap = stop - seq; gap != 0) {
      result = store(link, seq, data, gap, bound);
      if (result != Result::Stored) return result;
      data += gap;
      seq = stop;
      while (*link != nullptr && (*link)->seq.before(stop))
        link = &(*link)->next;  // past what was just stored
    }
    if (*link == nullptr || seq == end) break;
    const Seq known = earlier((*link)->end(), end);
    note_duplicate(seq, known);
    data += known - seq;
    seq = known;
  }
  return result;
}

Reassembly::Result Reassembly::insert(Seq seq, const uint8_t* data, Bytes length, uint32_t bound) {
  if (length == 0) return Result::Duplicate;
  if (!open()) return Result::NoMemory;
  const Result result = insert_between(seq, data, length, bound);
  if (gaps_->head != nullptr) note_recent(block_around(seq));
  release_if_done();
  return result;
}

// The contiguous octets held around `seq`; empty when there are none.
wire::SackBlock Reassembly::block_around(Seq seq) const {
  const Piece* piece = gaps_->head;
  // Most often the latest block has grown at its end, and at the end of all.
  const wire::SackBlock& latest = gaps_->recent[0];
  if (gaps_->recent_count != 0 && latest.right == seq && gaps_->tail->seq.before_or_at(seq) &&
      gaps_->tail->end().after(seq))
    return {latest.left, gaps_->tail->end()};
  wire::SackBlock block;
  for (; piece != nullptr; piece = piece->next) {
    if (piece->seq != block.right || block.left == block.right) {
      if (block.right.after(seq) && block.left != block.right) break;
      block = {piece->seq, piece->end()};
    } else {
      block.right = piece->end();
    }
  }
  return seq.within(block.left, block.right - block.left) ? block : wire::SackBlock{seq, seq};
}

// RFC 2018 §4: the block with the latest segment first, then those reported most recently.
void Reassembly::note_recent(const wire::SackBlock& block) {
  if (block.left == block.right) return;
  std::array<wire::SackBlock, kRecent> kept{block};
  uint8_t count = 1;
  for (uint8_t i = 0; i < gaps_->recent_count && count < kRecent; ++i) {
    const wire::SackBlock& old = gaps_->recent[i];
    const bool inside = old.left.after_or_at(block.left) && old.right.before_or_at(block.right);
    if (!inside) kept[count++] = old;
  }
  gaps_->recent = kept;
  gaps_->recent_count = count;
}

Bytes Reassembly::release(Seq rcv_nxt, ReceiveQueue& queue) {
  if (gaps_ == nullptr) return 0;
  Bytes moved = 0;
  while (gaps_->head != nullptr && gaps_->head->seq.before_or_at(rcv_nxt)) {
    Piece* piece = gaps_->head;
    gaps_->head = piece->next;
    --gaps_->pieces;
    gaps_->octets -= piece->length;
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
  if (gaps_->head == nullptr) gaps_->tail = nullptr;
  std::array<wire::SackBlock, kRecent> kept{};
  uint8_t count = 0;
  for (uint8_t i = 0; i < gaps_->recent_count; ++i)
    if (gaps_->recent[i].left.after(rcv_nxt)) kept[count++] = gaps_->recent[i];
  gaps_->recent = kept;
  gaps_->recent_count = count;
  release_if_done();
  return moved;
}

void Reassembly::note_fin(Seq seq) {
  if (!open()) return;  // it comes again
  gaps_->fin = true;
  gaps_->fin_seq = seq;
}

void Reassembly::note_duplicate(Seq begin, Seq end) {
  if (begin == end || !open()) return;
  if (gaps_->duplicated && gaps_->duplicate.right == begin)
    gaps_->duplicate.right = end;  // two pieces that one segment repeats, or a burst of repeated segments
  else
    gaps_->duplicate = {begin, end};
  gaps_->duplicated = true;
}

void Reassembly::forget_duplicate() {
  if (gaps_ == nullptr) return;
  gaps_->duplicated = false;
  release_if_done();
}

void Reassembly::fill_sack(wire::TcpOptions& options, uint8_t room) {
  uint8_t count = 0;
  if (gaps_->duplicated && room != 0) options.sack[count++] = gaps_->duplicate;
  for (uint8_t i = 0; i < gaps_->recent_count && count < room; ++i) options.sack[count++] = gaps_->recent[i];
  options.sack_count = count;
  if (room == 0) return;
  gaps_->duplicated = false;  // RFC 2883 §4: reported once
  release_if_done();
}

void Reassembly::clear() {
  if (gaps_ == nullptr) return;
  while (gaps_->head != nullptr) {
    Piece* piece = gaps_->head;
    gaps_->head = piece->next;
    memory_->give_back(piece);
  }
  memory_->give_back_cell(gaps_);
  gaps_ = nullptr;
}

}  // namespace millrace::tcp
