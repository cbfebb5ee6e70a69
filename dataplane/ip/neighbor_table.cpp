// The entries of the neighbour cache: index, lists, eviction. Neighbours: neighbor.h, neighbor.cpp (the
// states).
#include <algorithm>

#include "base/check.h"
#include "ip/neighbor.h"

namespace millrace::ip {

NeighborTable::NeighborTable(const NeighborParams& params, LinkMessages& messages, Counters& counters)
    : params_(params), messages_(messages), counters_(counters) {
  entries_.reserve(params.entries);
  index_.reserve(params.entries);
}

std::vector<NeighborTable::Indexed>::iterator NeighborTable::position(const IpAddress& address) {
  return std::lower_bound(index_.begin(), index_.end(), address,
                          [](const Indexed& a, const IpAddress& b) { return a.address < b; });
}

NeighborHandle NeighborTable::find(const IpAddress& address) {
  Slot& slot = slots_[mix(address) % kSlots];
  if (valid(slot.handle) && slot.address == address) return slot.handle;
  const auto at = position(address);
  if (at == index_.end() || at->address != address) return {};
  slot = {address, {at->entry, entries_[at->entry].generation}};
  return slot.handle;
}

uint32_t NeighborTable::create(const IpAddress& address, bool by_peer, Instant now) {
  if (index_.size() >= params_.entries && !make_room(by_peer, now)) return kNoIndex;
  uint32_t index = free_;
  if (index != kNoIndex) {
    free_ = entries_[index].next;
  } else {
    index = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  Entry& entry = entries_[index];
  entry.address = address;
  entry.mac = MacAddress();
  entry.state = by_peer ? NeighborState::Stale : NeighborState::Incomplete;
  entry.fast_until = Instant::min();
  entry.confirmed = Instant::min();
  entry.last_used = now;
  entry.deadline = now + (by_peer ? params_.stale : params_.retransmit);
  entry.solicitations = 0;
  link(index, by_peer ? kUnsolicited : kIncomplete);
  index_.insert(position(address), {address, index});
  return index;
}

// RFC 6583 §6: a table under attack keeps what is in use.
bool NeighborTable::make_room(bool by_peer, Instant now) {
  const uint32_t unsolicited = lists_[kUnsolicited].front;
  const uint32_t held = lists_[kHeld].front;
  uint32_t victim = kNoIndex;
  if (unsolicited != kNoIndex)
    victim = unsolicited;
  else if (held != kNoIndex && now - entries_[held].last_used >= params_.reachable)
    victim = held;
  else if (!by_peer)
    victim = lists_[kIncomplete].front;
  if (victim == kNoIndex) return false;
  remove(victim, DropReason::NeighborTableFull);
  return true;
}

void NeighborTable::remove(uint32_t index, DropReason reason) {
  Entry& entry = entries_[index];
  for (size_t i = 0; i < entry.queue.size(); ++i) counters_.drop(reason);
  entry.queue.clear();
  unlink(index);
  index_.erase(position(entry.address));
  ++entry.generation;
  entry.next = free_;
  free_ = index;
}

void NeighborTable::link(uint32_t index, List list) {
  Entry& entry = entries_[index];
  Ends& ends = lists_[list];
  entry.list = list;
  entry.next = kNoIndex;
  entry.previous = ends.back;
  (ends.back == kNoIndex ? ends.front : entries_[ends.back].next) = index;
  ends.back = index;
}

void NeighborTable::unlink(uint32_t index) {
  Entry& entry = entries_[index];
  MILLRACE_CHECK(entry.list != kLists);
  Ends& ends = lists_[entry.list];
  (entry.previous == kNoIndex ? ends.front : entries_[entry.previous].next) = entry.next;
  (entry.next == kNoIndex ? ends.back : entries_[entry.next].previous) = entry.previous;
  entry.list = kLists;
}

std::vector<NeighborRow> NeighborTable::rows() const {
  static constexpr std::array kNames = {"incomplete", "reachable", "stale", "delay", "probe"};
  std::vector<NeighborRow> rows;
  rows.reserve(index_.size());
  for (const Indexed& indexed : index_) {
    const Entry& entry = entries_[indexed.entry];
    rows.push_back({.address = entry.address,
                    .mac = entry.mac,
                    .state = kNames[static_cast<size_t>(entry.state)],
                    .queued = static_cast<uint32_t>(entry.queue.size())});
  }
  return rows;
}

}  // namespace millrace::ip
