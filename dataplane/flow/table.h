// The demux: from a connection's key to its record. Neighbours: key.h (what is looked up), buckets.h (where
// entries lie); shard/ asks it once a burst.
//
// The table holds no keys: an entry is 32 bits of the hash and a reference, and the key is compared in the
// record itself, which the caller is about to touch anyway. A "resolver" turns a reference into that record's
// key: resolver(Ref) -> const FlowKey&, computing the address without reading the record.
//
// Growing doubles the array: each insertion moves a few buckets over, and an entry is looked for in one array
// or the other, by its home. There is no shrinking: the bound is small beside the records'.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "flow/buckets.h"
#include "flow/key.h"

namespace millrace::flow {

enum class Kind : uint8_t { Connection = 1, SynRecord = 2, TimeWait = 3 };

// A record: which slab, and its index there. None by default.
class Ref {
 public:
  static constexpr uint32_t kIndexBits = 30;
  constexpr Ref() = default;
  constexpr Ref(Kind kind, uint32_t index)
      : raw_(uint32_t{static_cast<uint8_t>(kind)} << kIndexBits | index) {
    MILLRACE_CHECK(index >> kIndexBits == 0);
  }
  static constexpr Ref from_raw(uint32_t raw) {
    Ref ref;
    ref.raw_ = raw;
    return ref;
  }

  constexpr explicit operator bool() const { return raw_ != 0; }
  constexpr Kind kind() const { return static_cast<Kind>(raw_ >> kIndexBits); }
  constexpr uint32_t index() const { return raw_ & ((uint32_t{1} << kIndexBits) - 1); }
  constexpr uint32_t raw() const { return raw_; }
  friend constexpr bool operator==(Ref, Ref) = default;

 private:
  uint32_t raw_ = 0;
};

// A key to look up in bulk, with its hash.
struct Hashed {
  FlowKey key;
  uint64_t hash = 0;
};

class Table {
 public:
  static constexpr size_t kBurst = 32;

  // Holds at most `bound` entries.
  explicit Table(uint32_t bound);

  uint32_t size() const { return size_; }
  uint32_t bound() const { return bound_; }
  bool growing() const { return cursor_ != 0; }
  size_t bytes() const { return current_.bytes() + next_.bytes(); }

  // The caller knows that the key is not in the table. False: the bound is reached, or, in a flood of equal
  // hashes, all buckets near the key's home are full.
  bool insert(uint64_t hash, Ref ref);
  // Of the entry that was inserted with this hash and reference. False: there is none.
  bool erase(uint64_t hash, Ref ref);
  // The connection goes on in another record: TCB to TIME-WAIT, SYN-RECEIVED to TCB.
  bool replace(uint64_t hash, Ref from, Ref to);

  template <typename Resolver>
  Ref find(uint64_t hash, const FlowKey& key, Resolver&& resolver) const;

  // A burst in three stages, so that its cache misses overlap: prefetch() the buckets, take a candidate()
  // from each and prefetch its record, verify() the keys. find_bulk() does all three; out[i] answers keys[i].
  // Returns the number found.
  void prefetch(uint64_t hash) const { __builtin_prefetch(&home_bucket(tag_of(hash))); }
  Ref candidate(uint64_t hash) const;
  template <typename Resolver>
  Ref verify(Ref candidate, uint64_t hash, const FlowKey& key, Resolver&& resolver) const;
  template <typename Resolver>
  size_t find_bulk(std::span<const Hashed> keys, std::span<Ref> out, Resolver&& resolver) const;

 private:
  static constexpr size_t kMovesPerInsert = 2;  // buckets; ends a doubling long before the next one is due

  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  const BucketArray& array_of(uint32_t tag) const { return current_.home(tag) < cursor_ ? next_ : current_; }
  BucketArray& array_of(uint32_t tag) { return current_.home(tag) < cursor_ ? next_ : current_; }
  const Bucket& home_bucket(uint32_t tag) const {
    const BucketArray& array = array_of(tag);
    return array[array.home(tag)];
  }
  void start_growing();
  void move_some();

  uint32_t bound_;
  uint32_t size_ = 0;
  unsigned bits_;
  // Homes below the cursor are in next_, the others in current_; 0 unless the table is growing.
  size_t cursor_ = 0;
  BucketArray current_;
  BucketArray next_;
};

template <typename Resolver>
Ref Table::find(uint64_t hash, const FlowKey& key, Resolver&& resolver) const {
  const uint32_t tag = tag_of(hash);
  const BucketArray& array = array_of(tag);
  for (size_t position = array.home(tag);; ++position) {
    const Bucket& bucket = array[position];
    for (uint32_t mask = bucket.matches(tag); mask != 0; mask &= mask - 1) {
      const Ref ref = Ref::from_raw(bucket.refs[static_cast<size_t>(std::countr_zero(mask))]);
      if (ref && resolver(ref) == key) return ref;
    }
    if (!bucket.full()) return {};
  }
}

// The first entry with this tag: nearly always the one. None: the key is not in the table.
inline Ref Table::candidate(uint64_t hash) const {
  const uint32_t tag = tag_of(hash);
  const BucketArray& array = array_of(tag);
  for (size_t position = array.home(tag);; ++position) {
    const Bucket& bucket = array[position];
    for (uint32_t mask = bucket.matches(tag); mask != 0; mask &= mask - 1) {
      const Ref ref = Ref::from_raw(bucket.refs[static_cast<size_t>(std::countr_zero(mask))]);
      if (ref) return ref;
    }
    if (!bucket.full()) return {};
  }
}

template <typename Resolver>
Ref Table::verify(Ref candidate, uint64_t hash, const FlowKey& key, Resolver&& resolver) const {
  if (!candidate) return {};
  if (resolver(candidate) == key) [[likely]]
    return candidate;
  return find(hash, key, resolver);
}

template <typename Resolver>
size_t Table::find_bulk(std::span<const Hashed> keys, std::span<Ref> out, Resolver&& resolver) const {
  MILLRACE_CHECK(out.size() >= keys.size());
  size_t found = 0;
  for (size_t first = 0; first < keys.size(); first += kBurst) {
    const std::span<const Hashed> burst = keys.subspan(first, std::min(kBurst, keys.size() - first));
    const std::span<Ref> refs = out.subspan(first, burst.size());
    for (const Hashed& key : burst) prefetch(key.hash);
    for (size_t i = 0; i < burst.size(); ++i) {
      refs[i] = candidate(burst[i].hash);
      if (refs[i]) __builtin_prefetch(&resolver(refs[i]));
    }
    for (size_t i = 0; i < burst.size(); ++i) {
      refs[i] = verify(refs[i], burst[i].hash, burst[i].key, resolver);
      found += refs[i] ? 1 : 0;
    }
  }
  return found;
}

}  // namespace millrace::flow
