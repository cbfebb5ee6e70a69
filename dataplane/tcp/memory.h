// Payload memory of a shard: blocks for octets that are copied, pieces that name octets wherever they lie.
// Charged at its true size against one budget. Neighbours: transfer/send_queue.h, receive_queue.h,
// reassembly.h.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/packet.h"
#include "base/seq.h"
#include "base/slab.h"
#include "tcp/settings.h"

namespace millrace::tcp {

inline constexpr uint32_t kBlockBytes = 2048;
// Side blocks of a connection: what it needs only while something is missing or under way.
inline constexpr uint32_t kCellBytes = 320;
inline constexpr uint32_t kPageBytes = 16384;
inline constexpr uint32_t kLargePageBytes = 65536;
inline constexpr uint32_t kHugePageBytes = 262'144;

// Octets [begin, end) of `data` are in use.
struct Block {
  static constexpr uint32_t kCapacity = kBlockBytes - 16;
  Block* next = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint8_t data[kCapacity];

  uint32_t size() const { return end - begin; }
  uint32_t room() const { return kCapacity - end; }
};
static_assert(sizeof(Block) == kBlockBytes);

// A run of received octets: in a packet that is held, or copied into a block.
struct Piece {
  Piece* next = nullptr;
  Piece* last = nullptr;  // of the contiguous pieces that this one begins: used while out of order
  Seq seq;                // of the first octet: used while out of order
  uint32_t length = 0;
  const uint8_t* data = nullptr;
  Packet packet;           // holds `data`, or
  Block* block = nullptr;  // holds `data`
  Seq end() const { return seq + length; }
};

// How far the buffers of one connection may grow while memory is not under pressure.
struct BufferLimits {
  Bytes receive = 0;
  Bytes send = 0;
  Bytes send_low_water = 1;
};

class Memory {
 public:
  Memory(uint64_t budget_bytes, uint32_t held_packets_bound);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  Block* take_block();  // nullptr: the budget is spent
  void give_back(Block* block);
  // Takes over `packet`, whose `data`/`length` it names. nullptr: a bound is reached (the packet stays).
  Piece* hold(Packet& packet, Seq seq, const uint8_t* data, uint32_t length);
  // Copies the octets, at most Block::kCapacity. nullptr: the budget is spent.
  Piece* copy(Seq seq, const uint8_t* data, uint32_t length);
  void give_back(Piece* piece);
  // A block with these settings. nullptr: the budget is spent.
  TcbRare* take_rare(const ConnectionParams& settings);
  void give_back(TcbRare* rare);
  // kCellBytes of raw memory. nullptr: the budget is spent.
  void* take_cell();
  // The same whatever the budget says: for what has a bound of its own.
  void* take_cell_always();
  void give_back_cell(void* cell);
  // kPageBytes likewise. nullptr: the budget is spent.
  void* take_page() { return take(pages_, free_pages_); }
  void give_back_page(void* page) { give_back<Page>(page, free_pages_); }
  // kLargePageBytes likewise.
  void* take_large_page() { return take(large_pages_, free_large_pages_); }
  void give_back_large_page(void* page) { give_back<LargePage>(page, free_large_pages_); }

  // kHugePageBytes likewise.
  void* take_huge_page() { return take(huge_pages_, free_huge_pages_); }
  void give_back_huge_page(void* page) { give_back<HugePage>(page, free_huge_pages_); }

  uint64_t used_bytes() const { return used_; }
  uint64_t budget_bytes() const { return budget_; }
  // Buffers grow no further than they are from here on; what they are they stay.
  bool is_under_pressure() const { return used_ > budget_ / 2; }
  const BufferLimits& limits() const { return limits_; }
  void set_limits(const BufferLimits& limits) { limits_ = limits; }
  // A buffer has grown, or has not because of pressure; the shard counts.
  void note_growth(bool grown) { ++(grown ? grown_ : refused_); }
  uint64_t grown() const { return grown_; }
  uint64_t growth_refused() const { return refused_; }
  // What holding the packet costs: its buffer, with an mbuf's own head and the room before the data.
  static uint64_t true_size(const Packet& packet) { return packet.capacity() + kPacketOverhead; }
  bool is_short() const { return used_ > budget_ / 8 * 7; }
  // Where what is taken back for being short comes to an end.
  bool is_filling() const { return used_ > budget_ / 4 * 3; }
  uint64_t held_packets() const { return held_; }

 private:
  static constexpr uint64_t kPacketOverhead = 256;  // struct rte_mbuf and RTE_PKTMBUF_HEADROOM
  static constexpr uint64_t kPieceBytes = sizeof(Piece);
  static constexpr uint64_t kRareBytes = sizeof(TcbRare);
  static constexpr size_t kChunkBlocks = 64;
  struct alignas(64) Cell {
    Cell* next = nullptr;
    unsigned char rest[kCellBytes - sizeof(Cell*)];
  };
  static_assert(sizeof(Cell) == kCellBytes);
  template <uint32_t kBytes>
  struct alignas(64) PageOf {
    PageOf* next = nullptr;
    unsigned char rest[kBytes - sizeof(PageOf*)];
  };
  using Page = PageOf<kPageBytes>;
  using LargePage = PageOf<kLargePageBytes>;
  using HugePage = PageOf<kHugePageBytes>;
  static_assert(sizeof(Page) == kPageBytes && sizeof(LargePage) == kLargePageBytes);
  // What payload may take: some is left for side blocks that are always there.
  uint64_t payload_budget() const { return budget_ - budget_ / 64 / kBlockBytes * kBlockBytes; }
  bool charge(uint64_t bytes);
  Piece* take_piece();
  template <typename P>
  void* take(std::vector<std::unique_ptr<P>>& all, P*& free);
  template <typename P>
  void give_back(void* memory, P*& free) {
    P* page = new (memory) P;
    page->next = free;
    free = page;
    used_ -= sizeof(P);
  }

  uint64_t budget_;
  uint64_t held_bound_;
  uint64_t used_ = 0;
  uint64_t held_ = 0;
  BufferLimits limits_;
  uint64_t grown_ = 0;
  uint64_t refused_ = 0;
  Block* free_blocks_ = nullptr;
  Piece* free_pieces_ = nullptr;
  Cell* free_cells_ = nullptr;
  Page* free_pages_ = nullptr;
  LargePage* free_large_pages_ = nullptr;
  HugePage* free_huge_pages_ = nullptr;
  std::vector<std::unique_ptr<Block[]>> block_chunks_;
  std::vector<std::unique_ptr<Piece[]>> piece_chunks_;
  std::vector<std::unique_ptr<TcbRare>> free_rare_;  // no more than were in use at once
  std::vector<std::unique_ptr<Cell[]>> cell_chunks_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<std::unique_ptr<LargePage>> large_pages_;
  std::vector<std::unique_ptr<HugePage>> huge_pages_;
};

template <typename P>
void* Memory::take(std::vector<std::unique_ptr<P>>& all, P*& free) {
  if (!charge(sizeof(P))) return nullptr;
  if (free == nullptr) {
    all.push_back(std::make_unique_for_overwrite<P>());
    all.back()->next = nullptr;
    free = all.back().get();
  }
  P* page = free;
  free = page->next;
  return page;
}

}  // namespace millrace::tcp
