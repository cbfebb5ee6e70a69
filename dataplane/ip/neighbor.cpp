// The states of RFC 4861 §7.3 and what moves them. Neighbours: neighbor.h; neighbor_table.cpp keeps the
// entries.
#include "ip/neighbor.h"

#include <algorithm>
#include <cstring>

namespace millrace::ip {

const MacAddress* NeighborTable::use_slowly(uint32_t index, Instant now) {
  Entry& entry = entries_[index];
  if (entry.state == NeighborState::Incomplete) return nullptr;
  if (entry.state == NeighborState::Reachable && now - entry.confirmed < params_.reachable) {
    entry.last_used = now;
    move_to(index, kHeld);
    entry.fast_until = earlier(entry.confirmed + params_.reachable, now + kGrain);
    return &entry.mac;
  }
  if (entry.state == NeighborState::Reachable || entry.state == NeighborState::Stale) {
    // RFC 4861 §7.3.3: the first packet to a stale neighbour goes out, and upper layers get time to confirm
    // it.
    entry.state = NeighborState::Delay;
    entry.deadline = now + params_.delay_first_probe;
    entry.fast_until = kNever;
    move_to(index, kDelay);
  }
  return &entry.mac;
}

void NeighborTable::confirm_slowly(uint32_t index, Instant now) {
  // RFC 4861 §7.3.1: a hint says that the neighbour is there, not where.
  if (entries_[index].state != NeighborState::Incomplete) to_reachable(index, now);
}

void NeighborTable::to_reachable(uint32_t index, Instant now) {
  Entry& entry = entries_[index];
  // RFC 4861 §6.3.4 would spread the reachable time at random; a shard's is fixed, since it solicits nobody
  // at the end of it.
  entry.state = NeighborState::Reachable;
  entry.confirmed = now;
  entry.last_used = now;
  entry.fast_until = now + std::min(params_.reachable, kGrain);
  move_to(index, kHeld);
}

void NeighborTable::to_stale(uint32_t index, Instant now) {
  Entry& entry = entries_[index];
  entry.state = NeighborState::Stale;
  entry.fast_until = Instant::min();
  if (entry.list == kHeld || entry.list == kUnsolicited) return;  // age goes on
  entry.last_used = now;
  move_to(index, kHeld);
}

bool NeighborTable::hold(Packet&& packet, const IpAddress& next_hop, const IpAddress& destination,
                         Instant now, PacketBatch& out) {
  const NeighborHandle known = find(next_hop);
  uint32_t index = known.index;
  const bool fresh = index == kNoIndex;
  if (fresh) index = create(next_hop, false, now);
  if (index == kNoIndex) {
    counters_.drop(DropReason::NeighborTableFull);
    packet.reset();
    return false;
  }
  Entry& entry = entries_[index];
  bool kept = true;
  if (params_.queue_packets == 0) {
    counters_.drop(DropReason::NeighborQueueFull);
    packet.reset();
    kept = false;
  } else {
    if (entry.queue.size() >= params_.queue_packets) {
      // RFC 4861 §7.2.2: the new packet replaces the oldest.
      entry.queue.erase(entry.queue.begin());
      counters_.drop(DropReason::NeighborQueueFull);
    }
    entry.queue.push_back({std::move(packet), destination});
  }
  if (fresh) solicit(index, now, out);
  return kept;
}

void NeighborTable::heard_request(const IpAddress& address, const MacAddress& mac, Instant now,
                                  PacketBatch& out) {
  uint32_t index = find(address).index;
  if (index == kNoIndex) {
    index = create(address, true, now);
    if (index != kNoIndex) entries_[index].mac = mac;
    return;
  }
  Entry& entry = entries_[index];
  const bool incomplete = entry.state == NeighborState::Incomplete;
  if (!incomplete && entry.mac == mac) return;
  entry.mac = mac;
  to_stale(index, now);
  if (incomplete) flush(index, now, out);
}

bool NeighborTable::heard_advertisement(const IpAddress& address, const Advertisement& advertisement,
                                        Instant now, PacketBatch& out) {
  const uint32_t index = find(address).index;
  if (index == kNoIndex) return false;
  Entry& entry = entries_[index];
  if (entry.state == NeighborState::Incomplete) {
    if (!advertisement.mac) return true;
    entry.mac = *advertisement.mac;
    if (advertisement.solicited)
      to_reachable(index, now);
    else
      to_stale(index, now);
    flush(index, now, out);
    return true;
  }
  const bool differs = advertisement.mac && *advertisement.mac != entry.mac;
  if (differs && !advertisement.override_) {
    if (entry.state == NeighborState::Reachable) to_stale(index, now);  // RFC 4861 §7.2.5 I.
    return true;
  }
  if (differs) entry.mac = *advertisement.mac;
  if (advertisement.solicited)
    to_reachable(index, now);
  else if (differs)
    to_stale(index, now);
  return true;
}

bool NeighborTable::asking(const IpAddress& address) {
  const uint32_t index = find(address).index;
  if (index == kNoIndex) return false;
  const NeighborState state = entries_[index].state;
  return state == NeighborState::Incomplete || state == NeighborState::Probe;
}

void NeighborTable::solicit(uint32_t index, Instant now, PacketBatch& out) {
  Entry& entry = entries_[index];
  ++entry.solicitations;
  entry.deadline = now + params_.retransmit;
  const bool probing = entry.state == NeighborState::Probe;
  move_to(index, probing ? kProbe : kIncomplete);
  messages_.solicit(entry.address, probing ? &entry.mac : nullptr, out);
}

void NeighborTable::flush(uint32_t index, Instant now, PacketBatch& out) {
  if (entries_[index].queue.empty()) return;
  const MacAddress* mac = use({index, entries_[index].generation}, now);
  for (Held& held : entries_[index].queue) {
    std::memcpy(held.packet.data(), mac->octets().data(), 6);
    emit(std::move(held.packet), out, counters_);
  }
  entries_[index].queue.clear();
}

void NeighborTable::fail(uint32_t index) {
  // RFC 4861 §7.2.2, §7.3.3: packets that wait are lost, and the entry is deleted so that the next packet
  // looks for the neighbour anew.
  Entry& entry = entries_[index];
  if (entry.state == NeighborState::Probe) note_unreachable(entry.address);
  if (entry.address.is_link_local() && failed_.size() < kFailed) failed_.push_back(entry.address);
  for (const Held& held : entry.queue) note_unreachable(held.destination);
  remove(index, DropReason::NeighborUnreachable);
}

void NeighborTable::note_unreachable(const IpAddress& address) {
  if (unreachable_.size() >= kUnreachable) return;
  if (std::find(unreachable_.begin(), unreachable_.end(), address) == unreachable_.end())
    unreachable_.push_back(address);
}

void NeighborTable::expire_solicitations(List list, Instant now, PacketBatch& out) {
  for (uint32_t index = lists_[list].front; index != kNoIndex && entries_[index].deadline <= now;
       index = lists_[list].front) {
    if (entries_[index].solicitations >= params_.probes)
      fail(index);
    else
      solicit(index, now, out);
  }
}

void NeighborTable::expire_unused(Instant now) {
  while (lists_[kUnsolicited].front != kNoIndex && entries_[lists_[kUnsolicited].front].deadline <= now)
    remove(lists_[kUnsolicited].front, DropReason::NeighborUnreachable);
  while (lists_[kHeld].front != kNoIndex && entries_[lists_[kHeld].front].last_used + params_.stale <= now)
    remove(lists_[kHeld].front, DropReason::NeighborUnreachable);
}

void NeighborTable::expire(Instant now, PacketBatch& out) {
  expire_solicitations(kIncomplete, now, out);
  expire_solicitations(kProbe, now, out);
  for (uint32_t index = lists_[kDelay].front; index != kNoIndex && entries_[index].deadline <= now;
       index = lists_[kDelay].front) {
    entries_[index].state = NeighborState::Probe;
    entries_[index].solicitations = 0;
    solicit(index, now, out);
  }
  expire_unused(now);
}

Instant NeighborTable::next_deadline() const {
  Instant deadline = kNever;
  for (const List list : {kIncomplete, kUnsolicited, kDelay, kProbe})
    if (lists_[list].front != kNoIndex) deadline = earlier(deadline, entries_[lists_[list].front].deadline);
  if (lists_[kHeld].front != kNoIndex)
    deadline = earlier(deadline, entries_[lists_[kHeld].front].last_used + params_.stale);
  return deadline;
}

}  // namespace millrace::ip
