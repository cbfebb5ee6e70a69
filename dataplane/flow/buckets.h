// The memory of the demux table: an array of buckets, each one cache line with eight entries of a tag and a
// reference. Neighbour: table.h, which owns one such array, and two while it grows.
//
// An entry's home is named by the top bits of its tag. It lies there, or, when that bucket is full, in the
// next one that was not; so a search ends at the first bucket with room. Erasing pulls entries back toward
// their homes, which keeps this true without tombstones; inserting behind a long run of full buckets pushes
// on entries that are near their homes, so that none lies far from its own. As the home follows from the tag
// alone, nothing of this touches the records.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace::flow {

struct alignas(64) Bucket {
  static constexpr size_t kEntries = 8;
  std::array<uint32_t, kEntries> tags{};
  std::array<uint32_t, kEntries> refs{};  // 0: empty. Entries are packed to the front.

  bool full() const { return refs[kEntries - 1] != 0; }
  // A bit an entry whose tag is `tag`; an empty entry can be among them.
  uint32_t matches(uint32_t tag) const;
};
static_assert(sizeof(Bucket) == 64);

#if defined(__SSE2__)
inline uint32_t Bucket::matches(uint32_t tag) const {
  const auto* line = static_cast<const __m128i*>(static_cast<const void*>(tags.data()));
  const __m128i needle = _mm_set1_epi32(static_cast<int>(tag));
  const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(line), needle);
  const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(line + 1), needle);
  const __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
  return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
}
#else
inline uint32_t Bucket::matches(uint32_t tag) const {
  uint32_t mask = 0;
  for (size_t i = 0; i < kEntries; ++i) mask |= (tags[i] == tag ? 1U : 0U) << i;
  return mask;
}
#endif

class BucketArray {
 public:
  // An entry is put less than this many buckets from its home. Above the load at which the table grows, this
  // would happen to a random key with a probability of about exp(-7 kReach): the limit is met by floods
  // alone.
  static constexpr size_t kReach = 16;

  struct Position {
    size_t bucket;
    size_t entry;
  };

  BucketArray() = default;
  explicit BucketArray(unsigned bits) : bits_(bits), chunks_((positions() + kChunk - 1) / kChunk) {}

  size_t homes() const { return size_t{1} << bits_; }
  // Entries whose homes are last lie behind them; the very last bucket stays empty and ends every search.
  size_t positions() const { return homes() + kReach + 1; }
  size_t home(uint32_t tag) const { return tag >> (32 - bits_); }
  Bucket& operator[](size_t position) { return chunks_[position / kChunk][position % kChunk]; }
  const Bucket& operator[](size_t position) const { return chunks_[position / kChunk][position % kChunk]; }

  // Memory is taken, and given back, from the front to the back in chunks: no single call pays for all of it.
  void allocate_up_to(size_t position);
  void release_before(size_t position);
  size_t bytes() const;

  // False: there is no room within reach.
  bool insert(uint32_t tag, uint32_t ref, size_t reach = kReach);
  std::optional<Position> find(uint32_t tag, uint32_t ref) const;
  void erase(Position hole);

 private:
  static constexpr size_t kChunk = 4096;

  bool push_on(size_t from, size_t reach);
  void close_gap(size_t gap);
  bool pull_back(size_t hole, size_t from);

  unsigned bits_ = 1;
  size_t allocated_ = 0;  // positions
  size_t released_ = 0;   // chunks
  std::vector<std::unique_ptr<Bucket[]>> chunks_;
};

}  // namespace millrace::flow
