// Changing the demux table, and growing it a few buckets at a time. Neighbours: table.h, buckets.cpp.
#include "flow/table.h"

#include <utility>

namespace millrace::flow {

namespace {

constexpr unsigned kInitialBits = 4;
// Above 28 bits the tag would have nothing left to tell entries of a bucket apart.
constexpr unsigned kMaxBits = 28;

// Five eighths: nine entries in ten lie at home, nine absent keys in ten are known from one bucket.
size_t comfortable(const BucketArray& array) { return array.homes() * Bucket::kEntries / 8 * 5; }

}  // namespace

Table::Table(uint32_t bound) : bound_(bound), bits_(kInitialBits), current_(kInitialBits) {
  current_.allocate_up_to(current_.positions());
}

bool Table::insert(uint64_t hash, Ref ref) {
  MILLRACE_CHECK(ref);
  if (size_ >= bound_) return false;
  if (growing())
    move_some();
  else if (size_ >= comfortable(current_) && bits_ < kMaxBits)
    start_growing();
  const uint32_t tag = tag_of(hash);
  if (!array_of(tag).insert(tag, ref.raw())) return false;
  ++size_;
  return true;
}

bool Table::erase(uint64_t hash, Ref ref) {
  const uint32_t tag = tag_of(hash);
  BucketArray& array = array_of(tag);
  const auto position = array.find(tag, ref.raw());
  if (!position) return false;
  array.erase(*position);
  --size_;
  return true;
}

bool Table::replace(uint64_t hash, Ref from, Ref to) {
  MILLRACE_CHECK(from && to);
  const uint32_t tag = tag_of(hash);
  BucketArray& array = array_of(tag);
  const auto position = array.find(tag, from.raw());
  if (!position) return false;
  array[position->bucket].refs[position->entry] = to.raw();
  return true;
}

void Table::start_growing() {
  next_ = BucketArray(++bits_);
  move_some();
}

// Moves buckets from the front of current_ to next_, up to one that is not full: no entry from before it lies
// behind it, so the cursor parts the homes cleanly. Runs of full buckets are short, but for floods.
//
// There is always room: a home becomes two, and entries that lay up to kReach buckets behind the last home
// lie no further behind it in an array of twice the size.
void Table::move_some() {
  size_t moved = 0;
  bool full = false;
  do {
    const Bucket& bucket = current_[cursor_];
    full = bucket.full();
    // A search goes on behind these homes to the first bucket with room, which is within twice the reach.
    next_.allocate_up_to(2 * cursor_ + 1 + 2 * BucketArray::kReach);
    for (size_t entry = 0; entry < Bucket::kEntries && bucket.refs[entry] != 0; ++entry) {
      [[maybe_unused]] const bool put =
          next_.insert(bucket.tags[entry], bucket.refs[entry], next_.positions());
      MILLRACE_CHECK(put);
    }
    ++cursor_;
    ++moved;
  } while (cursor_ < current_.positions() && (full || moved < kMovesPerInsert));
  current_.release_before(cursor_);
  if (cursor_ < current_.positions()) return;
  current_ = std::move(next_);
  next_ = BucketArray();
  cursor_ = 0;
}

}  // namespace millrace::flow
