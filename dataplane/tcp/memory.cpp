#include "tcp/memory.h"

#include <cstring>
#include <new>

#include "base/check.h"

namespace millrace::tcp {

Memory::Memory(uint64_t budget_bytes, uint32_t held_packets_bound)
    : budget_(budget_bytes), held_bound_(held_packets_bound) {}

Memory::~Memory() { MILLRACE_CHECK(used_ == 0 && held_ == 0); }

bool Memory::charge(uint64_t bytes) {
  if (used_ + bytes > payload_budget()) return false;
  used_ += bytes;
  return true;
}

Block* Memory::take_block() {
  if (!charge(kBlockBytes)) return nullptr;
  if (free_blocks_ == nullptr) {
    block_chunks_.push_back(std::make_unique_for_overwrite<Block[]>(kChunkBlocks));
    for (size_t i = kChunkBlocks; i-- > 0;) {
      Block& block = block_chunks_.back()[i];
      block.next = free_blocks_;
      free_blocks_ = &block;
    }
  }
  Block* block = free_blocks_;
  free_blocks_ = block->next;
  block->next = nullptr;
  block->begin = block->end = 0;
  return block;
}

void Memory::give_back(Block* block) {
  block->next = free_blocks_;
  free_blocks_ = block;
  used_ -= kBlockBytes;
}

Piece* Memory::take_piece() {
  if (!charge(kPieceBytes)) return nullptr;
  if (free_pieces_ == nullptr) {
    piece_chunks_.push_back(std::make_unique<Piece[]>(kChunkBlocks));
    for (size_t i = kChunkBlocks; i-- > 0;) {
      Piece& piece = piece_chunks_.back()[i];
      piece.next = free_pieces_;
      free_pieces_ = &piece;
    }
  }
  Piece* piece = free_pieces_;
  free_pieces_ = piece->next;
  piece->next = piece->last = nullptr;
  return piece;
}

Piece* Memory::hold(Packet& packet, Seq seq, const uint8_t* data, uint32_t length) {
  if (held_ >= held_bound_ || used_ + true_size(packet) + kPieceBytes > payload_budget()) return nullptr;
  Piece* piece = take_piece();
  used_ += true_size(packet);
  ++held_;
  piece->seq = seq;
  piece->length = length;
  piece->data = data;
  piece->packet = std::move(packet);
  return piece;
}

Piece* Memory::copy(Seq seq, const uint8_t* data, uint32_t length) {
  MILLRACE_CHECK(length <= Block::kCapacity);
  if (used_ + kBlockBytes + kPieceBytes > payload_budget()) return nullptr;
  Piece* piece = take_piece();
  piece->block = take_block();
  std::memcpy(piece->block->data, data, length);
  piece->block->end = length;
  piece->seq = seq;
  piece->length = length;
  piece->data = piece->block->data;
  return piece;
}

void Memory::give_back(Piece* piece) {
  if (piece->packet) {
    used_ -= true_size(piece->packet);
    piece->packet.reset();
    --held_;
  }
  if (piece->block != nullptr) {
    give_back(piece->block);
    piece->block = nullptr;
  }
  piece->next = free_pieces_;
  free_pieces_ = piece;
  used_ -= kPieceBytes;
}

TcbRare* Memory::take_rare(const ConnectionParams& settings) {
  if (!charge(kRareBytes)) return nullptr;
  if (free_rare_.empty()) return new TcbRare(settings);
  TcbRare* rare = free_rare_.back().release();
  free_rare_.pop_back();
  *rare = TcbRare(settings);
  return rare;
}

void Memory::give_back(TcbRare* rare) {
  free_rare_.emplace_back(rare);
  used_ -= kRareBytes;
}

void* Memory::take_cell() { return used_ + kCellBytes > payload_budget() ? nullptr : take_cell_always(); }

void* Memory::take_cell_always() {
  used_ += kCellBytes;
  if (free_cells_ == nullptr) {
    cell_chunks_.push_back(std::make_unique_for_overwrite<Cell[]>(kChunkBlocks));
    for (size_t i = kChunkBlocks; i-- > 0;) {
      Cell& cell = cell_chunks_.back()[i];
      cell.next = free_cells_;
      free_cells_ = &cell;
    }
  }
  Cell* cell = free_cells_;
  free_cells_ = cell->next;
  return cell;
}

void Memory::give_back_cell(void* memory) {
  Cell* cell = new (memory) Cell;
  cell->next = free_cells_;
  free_cells_ = cell;
  used_ -= kCellBytes;
}

}  // namespace millrace::tcp
