// The neighbour cache: next hops, their MAC addresses and whether they are still there (RFC 4861 §7.3), for
// ARP and ND alike. Neighbours: routes.h before it, link_messages.h for what it sends, neighbor_input.h for
// what it hears.
//
// An entry is in exactly one list, each ordered by time, so that deadlines and evictions are found at its
// front:
//   Incomplete   being resolved                              by the next solicitation
//   Unsolicited  Stale, made by a peer's request, not used   by creation
//   Held         Reachable or Stale, used by us              by last use, to the second
//   Delay        used while stale                            by the end of the delay
//   Probe        being asked by unicast                      by the next solicitation
// When the table is full, Unsolicited gives way first, then Held entries out of use for the reachable time,
// then (to our own packets alone) the longest-waiting Incomplete one: neither a flood of requests nor one of
// unanswered resolutions drives out a neighbour in use.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/packet.h"
#include "base/params.h"
#include "base/slab.h"
#include "base/time.h"
#include "ip/host.h"
#include "ip/link_messages.h"

namespace millrace::ip {

enum class NeighborState : uint8_t { Incomplete, Reachable, Stale, Delay, Probe };

// What an advertisement or an ARP reply says.
struct Advertisement {
  std::optional<MacAddress> mac;
  bool solicited = false;
  bool override_ = false;
};

// An entry by number; void once the entry has gone.
struct NeighborHandle {
  uint32_t index = kNoIndex;
  uint32_t generation = 0;
};

class NeighborTable {
 public:
  NeighborTable(const NeighborParams& params, LinkMessages& messages, Counters& counters);

  NeighborHandle find(const IpAddress& address);
  bool valid(NeighborHandle handle) const {
    return handle.index != kNoIndex && entries_[handle.index].generation == handle.generation;
  }

  // The MAC address to send to, from a valid handle; nullptr while it is not known.
  const MacAddress* use(NeighborHandle handle, Instant now) {
    Entry& entry = entries_[handle.index];
    if (now < entry.fast_until) [[likely]]
      return &entry.mac;
    return use_slowly(handle.index, now);
  }
  // Holds a packet for `next_hop`, whose MAC address is not known, and starts its resolution. False: dropped.
  bool hold(Packet&& packet, const IpAddress& next_hop, const IpAddress& destination, Instant now,
            PacketBatch& out);
  // The neighbour of a valid handle made progress.
  void confirm(NeighborHandle handle, Instant now) {
    const Entry& entry = entries_[handle.index];
    if (entry.state == NeighborState::Reachable && now - entry.confirmed < kGrain) [[likely]]
      return;
    confirm_slowly(handle.index, now);
  }

  // Nothing is heard through the neighbour of a valid handle: RFC 4861 §7.3.1 knows no such hint, yet to hold
  // it for STALE asks it in time, and drops the entry if it is gone.
  void doubt(NeighborHandle handle, Instant now) {
    if (entries_[handle.index].state == NeighborState::Reachable) to_stale(handle.index, now);
  }

  // A neighbour asked for one of our addresses and gave its own: RFC 4861 §7.2.3, RFC 826.
  void heard_request(const IpAddress& address, const MacAddress& mac, Instant now, PacketBatch& out);
  // RFC 4861 §7.2.5. False: there is no entry, and none is made.
  bool heard_advertisement(const IpAddress& address, const Advertisement& advertisement, Instant now,
                           PacketBatch& out);
  // Whether a solicitation of ours is unanswered.
  bool asking(const IpAddress& address);

  void expire(Instant now, PacketBatch& out);
  Instant next_deadline() const;
  std::vector<IpAddress> take_unreachable() { return std::exchange(unreachable_, {}); }
  // Link-local neighbours, as routers are, that did not answer since the last call.
  bool has_failed() const { return !failed_.empty(); }
  std::vector<IpAddress> take_failed() { return std::exchange(failed_, {}); }
  std::vector<NeighborRow> rows() const;
  size_t size() const { return index_.size(); }

 private:
  // How exactly the times of use and confirmation are kept: finer would mean a write a segment.
  static constexpr Micros kGrain = 1s;
  static constexpr size_t kSlots = 64;
  // Told to TCP between two calls; a flood of failures is not worth more.
  static constexpr size_t kUnreachable = 128;
  static constexpr size_t kFailed = 16;

  enum List : uint8_t { kIncomplete, kUnsolicited, kHeld, kDelay, kProbe, kLists };

  struct Held {
    Packet packet;
    IpAddress destination;
  };
  struct Entry {
    Instant fast_until = Instant::min();  // until then use() has nothing to do
    uint32_t generation = 0;
    MacAddress mac;
    NeighborState state = NeighborState::Incomplete;
    List list = kLists;  // kLists: free
    Instant confirmed = Instant::min();
    Instant last_used = Instant::min();
    Instant deadline = kNever;  // of the lists Incomplete, Unsolicited, Delay and Probe
    uint32_t previous = kNoIndex;
    uint32_t next = kNoIndex;  // also of the free list
    uint32_t solicitations = 0;
    IpAddress address;
    std::vector<Held> queue;
  };
  struct Indexed {
    IpAddress address;
    uint32_t entry;
  };
  struct Ends {
    uint32_t front = kNoIndex;
    uint32_t back = kNoIndex;
  };
  struct Slot {
    IpAddress address;
    NeighborHandle handle;
  };

  const MacAddress* use_slowly(uint32_t index, Instant now);
  void confirm_slowly(uint32_t index, Instant now);

  uint32_t create(const IpAddress& address, bool by_peer, Instant now);
  bool make_room(bool by_peer, Instant now);
  void remove(uint32_t index, DropReason reason);
  void fail(uint32_t index);
  void note_unreachable(const IpAddress& address);
  std::vector<Indexed>::iterator position(const IpAddress& address);

  void link(uint32_t index, List list);
  void unlink(uint32_t index);
  void move_to(uint32_t index, List list) {
    unlink(index);
    link(index, list);
  }

  void to_reachable(uint32_t index, Instant now);
  void to_stale(uint32_t index, Instant now);
  void solicit(uint32_t index, Instant now, PacketBatch& out);
  void flush(uint32_t index, Instant now, PacketBatch& out);
  void expire_solicitations(List list, Instant now, PacketBatch& out);
  void expire_unused(Instant now);

  const NeighborParams& params_;
  LinkMessages& messages_;
  Counters& counters_;
  std::vector<Entry> entries_;  // reserved to its bound: entries stay where they are
  uint32_t free_ = kNoIndex;
  // Sorted by address rather than hashed: peers choose the addresses, and nobody can make this slow.
  std::vector<Indexed> index_;
  std::array<Ends, kLists> lists_;
  std::array<Slot, kSlots> slots_;  // direct cache before index_
  std::vector<IpAddress> unreachable_;
  std::vector<IpAddress> failed_;
};

}  // namespace millrace::ip
