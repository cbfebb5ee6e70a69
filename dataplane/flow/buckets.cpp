// Putting entries into buckets and taking them out. Neighbours: buckets.h, table.cpp.
#include "flow/buckets.h"

#include <algorithm>

namespace millrace::flow {

namespace {

size_t used_entries(const Bucket& bucket) {
  size_t used = 0;
  while (used < Bucket::kEntries && bucket.refs[used] != 0) ++used;
  return used;
}

void append(Bucket& bucket, uint32_t tag, uint32_t ref) {
  const size_t entry = used_entries(bucket);
  bucket.tags[entry] = tag;
  bucket.refs[entry] = ref;
}

// The last entry takes the place of the one removed.
void remove(Bucket& bucket, size_t entry) {
  const size_t last = used_entries(bucket) - 1;
  bucket.tags[entry] = bucket.tags[last];
  bucket.refs[entry] = bucket.refs[last];
  bucket.tags[last] = 0;
  bucket.refs[last] = 0;
}

}  // namespace

void BucketArray::allocate_up_to(size_t position) {
  const size_t end = std::min(position + 1, positions());
  while (allocated_ < end) {
    const size_t count = std::min(kChunk, positions() - allocated_);
    chunks_[allocated_ / kChunk] = std::make_unique<Bucket[]>(count);
    allocated_ += count;
  }
}

void BucketArray::release_before(size_t position) {
  for (; (released_ + 1) * kChunk <= position; ++released_) chunks_[released_].reset();
}

size_t BucketArray::bytes() const { return (allocated_ - released_ * kChunk) * sizeof(Bucket); }

bool BucketArray::insert(uint32_t tag, uint32_t ref, size_t reach) {
  size_t hole = home(tag);
  while ((*this)[hole].full()) ++hole;
  if (hole == positions() - 1) return false;
  for (; hole - home(tag) >= reach; --hole) {
    if (push_on(hole - 1, reach)) continue;
    close_gap(hole);
    return false;
  }
  append((*this)[hole], tag, ref);
  return true;
}

// Makes room in a full bucket: the entry whose home is last moves to the next one. False: that is out of its
// reach.
bool BucketArray::push_on(size_t from, size_t reach) {
  Bucket& source = (*this)[from];
  const auto last =
      std::max_element(source.tags.begin(), source.tags.end());  // the homes are in the tags' order
  if (from + 1 - home(*last) >= reach) return false;
  const auto entry = static_cast<size_t>(last - source.tags.begin());
  append((*this)[from + 1], source.tags[entry], source.refs[entry]);
  remove(source, entry);
  return true;
}

std::optional<BucketArray::Position> BucketArray::find(uint32_t tag, uint32_t ref) const {
  for (size_t position = home(tag);; ++position) {
    const Bucket& bucket = (*this)[position];
    for (uint32_t mask = bucket.matches(tag); mask != 0; mask &= mask - 1) {
      const size_t entry = static_cast<size_t>(std::countr_zero(mask));
      if (bucket.refs[entry] == ref) return Position{position, entry};
    }
    if (!bucket.full()) return std::nullopt;
  }
}

void BucketArray::erase(Position hole) {
  const bool was_full = (*this)[hole.bucket].full();
  remove((*this)[hole.bucket], hole.entry);
  if (was_full) close_gap(hole.bucket);
}

// Bucket `gap` was full and has sent entries on; now that it has room, one must come back, which may leave
// the next gap in turn.
void BucketArray::close_gap(size_t gap) {
  bool was_full = true;
  for (size_t from = gap + 1; was_full; ++from) {
    was_full = (*this)[from].full();
    if (pull_back(gap, from)) gap = from;
  }
}

// Moves one entry that passed bucket `hole` by back into it. False: bucket `from` holds none such.
bool BucketArray::pull_back(size_t hole, size_t from) {
  Bucket& source = (*this)[from];
  for (size_t entry = 0; entry < Bucket::kEntries && source.refs[entry] != 0; ++entry) {
    if (home(source.tags[entry]) > hole) continue;
    append((*this)[hole], source.tags[entry], source.refs[entry]);
    remove(source, entry);
    return true;
  }
  return false;
}

}  // namespace millrace::flow
