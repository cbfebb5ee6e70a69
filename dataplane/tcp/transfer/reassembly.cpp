#include "tcp/transfer/reassembly.h"

#include <algorithm>
#include <cstring>
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

// Behind the run `run`, into its last block as far as that has room: small segments share a block.
Bytes Reassembly::append_to_block(Piece& run, const uint8_t* data, Bytes length) {
  Piece& last = *run.last;
  Block& block = *last.block;
  if (last.data + last.length != block.data + block.end) return 0;
  const Bytes part = std::min(length, block.room());
  std::memcpy(block.data + block.end, data, part);
  block.end += part;
  last.length += part;
  gaps_->octets += part;
  return part;
}

// [seq, seq + length), of which nothing is held, behind the run `before` (nullptr: before all of them), whose
// part it becomes where it touches it.
Reassembly::Result Reassembly::store(Piece*& before, Seq seq, const uint8_t* data, Bytes length,
                                     uint32_t bound) {
  bool grows = before != nullptr && before->last->end() == seq;
  if (grows) {
    const Bytes part = append_to_block(*before, data, length);
    seq += part;
    data += part;
    length -= part;
  }
  while (length != 0) {
    if (gaps_->pieces >= bound && gaps_->octets / kSmallPiece < gaps_->pieces) return Result::Full;
    const Bytes part = std::min<Bytes>(length, Block::kCapacity);
    Piece* piece = memory_->copy(seq, data, part);
    if (piece == nullptr) return Result::NoMemory;
    Piece*& link = before == nullptr ? gaps_->head : before->last->next;
    piece->next = link;
    link = piece;
    if (grows) {
      before->last = piece;
    } else {
      piece->last = piece;
      if (gaps_->last_run == before) gaps_->last_run = piece;
      before = piece;
      ++gaps_->runs;
      grows = true;
    }
    ++gaps_->pieces;
    gaps_->octets += part;
    seq += part;
    data += part;
    length -= part;
  }
  return Result::Stored;
}

// The run behind `run` begins where that ends.
void Reassembly::join(Piece& run) {
  Piece* next = run.last->next;
  if (next == nullptr || next->seq != run.last->end()) return;
  run.last = next->last;
  if (gaps_->last_run == next) gaps_->last_run = &run;
  if (gaps_->near == next) gaps_->near = &run;
  --gaps_->runs;
}

// A run that begins at or before `seq`, as far on as is known without a walk; nullptr: none is known.
Piece* Reassembly::start_of_walk(Seq seq) const {
  // Behind everything held is where the next segment of a burst belongs.
  for (Piece* run : {gaps_->last_run, gaps_->near})
    if (run != nullptr && seq.after_or_at(run->seq)) return run;
  return nullptr;
}

// Walks runs, not pieces. `before` is then the run that the last of the octets are part of, if they are held.
Reassembly::Result Reassembly::insert_between(Seq seq, const uint8_t* data, Bytes length, uint32_t bound,
                                              Piece*& before) {
  Result result = Result::Duplicate;
  const Seq end = seq + length;
  uint32_t walked = 0;
  before = start_of_walk(seq);
  while (seq.before(end)) {
    Piece* run = before == nullptr ? gaps_->head : before->last->next;
    if (before != nullptr && seq.before(before->last->end())) {
      const Seq known = earlier(before->last->end(), end);
      note_duplicate(seq, known);
      data += known - seq;
      seq = known;
      continue;
    }
    if (run != nullptr && run->seq.before_or_at(seq)) {
      if (walked++ == bound) return Result::Full;
      ++gaps_->steps;
      before = run;
      continue;
    }
    // [seq, stop) is free, up to the next run held.
    const Seq stop = run == nullptr ? end : earlier(end, run->seq);
    result = store(before, seq, data, stop - seq, bound);
    if (result != Result::Stored) return result;
    join(*before);
    data += stop - seq;
    seq = stop;
  }
  return result;
}

Reassembly::Result Reassembly::insert(Seq seq, const uint8_t* data, Bytes length, uint32_t bound) {
  if (length == 0) return Result::Duplicate;
  if (!open()) return Result::NoMemory;
  Piece* run = nullptr;
  const Result result = insert_between(seq, data, length, bound, run);
  if (run != nullptr) {
    gaps_->near = run;
    if (seq.after_or_at(run->seq) && seq.before(run->last->end())) note_recent({run->seq, run->last->end()});
  }
  release_if_done();
  return result;
}

// RFC 2018 §4: the block with the latest segment first, then those reported most recently.
void Reassembly::note_recent(const wire::SackBlock& block) {
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

// The first piece leaves; the next one begins what is left of its run.
void Reassembly::take_first() {
  Piece* piece = gaps_->head;
  gaps_->head = piece->next;
  --gaps_->pieces;
  gaps_->octets -= piece->length;
  if (piece->last != piece) {
    piece->next->last = piece->last;
    if (gaps_->last_run == piece) gaps_->last_run = piece->next;
    if (gaps_->near == piece) gaps_->near = piece->next;
    return;
  }
  --gaps_->runs;
  if (gaps_->last_run == piece) gaps_->last_run = nullptr;
  if (gaps_->near == piece) gaps_->near = nullptr;
}

Bytes Reassembly::release(Seq rcv_nxt, ReceiveQueue& queue) {
  if (gaps_ == nullptr) return 0;
  Bytes moved = 0;
  const Seq known_to = rcv_nxt;
  while (gaps_->head != nullptr && gaps_->head->seq.before_or_at(rcv_nxt)) {
    Piece* piece = gaps_->head;
    take_first();
    if (piece->seq.before(known_to)) note_duplicate(piece->seq, earlier(piece->end(), known_to));
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
  if (!gaps_->duplicated) {
    gaps_->duplicate = {begin, end};
    gaps_->duplicated = true;
  } else if (gaps_->duplicate.right == begin) {
    gaps_->duplicate.right = end;  // two pieces that one segment repeats, or a burst of repeated segments
  }  // else the first one is told (RFC 2883 §4.2.2)
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
