// A hierarchical timing wheel: the one timer of each connection whose deadline may be anything.
// Neighbours: deadline_fifo.h, for deadlines of constant length, which need no wheel.
//
// Time is cut into ticks. Each level is a digit of six bits of the tick's number: a node hangs on the level
// of the highest digit in which its tick differs from the hand's, in the slot that this digit names. When the
// hand enters a slot above level 0, its nodes move down. Two things follow:
//   - every node of a level is due before every node of the levels above, so the lowest occupied level, by
//   its
//     bitmap, names the next slot to visit: idle spans of any length are skipped in one step;
//   - eleven levels cover every instant, so no deadline is too far away.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/time.h"

namespace millrace::timer {

// Embedded in what it times. Its address must not change while it is armed.
class Node {
 public:
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { MILLRACE_CHECK(!armed()); }

  bool armed() const { return links_.next != nullptr; }
  Instant deadline() const { return deadline_; }  // kNever unless armed

 private:
  friend class Wheel;
  struct Links {
    Links* next = nullptr;
    Links* prev = nullptr;
  };
  Links links_;  // first: the wheel finds the node from its links
  Instant deadline_ = kNever;
};
static_assert(sizeof(Node) == 24);

class Wheel {
 public:
  static constexpr size_t kUnlimited = ~size_t{0};

  // `tick` is rounded down to a power of two of microseconds.
  explicit Wheel(Instant start, Micros tick = 1024us);
  Wheel(const Wheel&) = delete;
  Wheel& operator=(const Wheel&) = delete;
  // Touches no node: those still armed may have gone before.
  ~Wheel() { MILLRACE_CHECK(armed_ == 0); }

  // Arms or re-arms. A deadline that the wheel has already reached expires at the next advance(); kNever
  // disarms.
  void start(Node& node, Instant deadline);
  void cancel(Node& node);

  // Calls on_expired(Node&) for the nodes that are due, disarmed before the call; never early, and at most
  // one tick late if the budget suffices. The callback may start, cancel and destroy any node, its own
  // included; what it starts expires in a later advance(), so one call ends. `budget` bounds the nodes that
  // are expired or moved between levels: with work left over next_deadline() is not after `now`. Returns how
  // many expired.
  template <typename F>
  size_t advance(Instant now, F&& on_expired, size_t budget = kUnlimited);

  // When to call advance() next: not later than any node is due, and advancing to it makes progress; it may
  // be earlier than the next expiry by the width of a slot, when only nodes move down. kNever: nothing is
  // armed.
  Instant next_deadline() const;
  size_t armed() const { return armed_; }
  Micros tick() const { return Micros(int64_t{1} << tick_shift_); }

 private:
  using Links = Node::Links;
  static constexpr unsigned kDigitBits = 6;
  static constexpr size_t kSlots = size_t{1} << kDigitBits;
  static constexpr size_t kLevels = 11;
  // Lists beside the levels, so that a node is unlinked alike wherever it hangs.
  static constexpr size_t kDue = kLevels * kSlots;  // its deadline had passed when it was started
  static constexpr size_t kFiring = kDue + 1;  // expires in this advance(), or in the next for lack of budget
  static constexpr size_t kFalling = kDue + 2;  // on the way down from the slot which the hand has entered
  static constexpr size_t kLists = kDue + 3;
  static constexpr uint64_t kNoTick = ~uint64_t{0};

  struct Slot {
    size_t list;
    size_t level;
    uint64_t tick;  // of the slot's beginning
  };

  // Rounded up: a node is due when the hand reaches this tick, and not before its deadline.
  uint64_t due_tick(Instant deadline) const {
    const uint64_t micros = static_cast<uint64_t>(std::max<int64_t>(deadline.time_since_epoch().count(), 0));
    const uint64_t mask = (uint64_t{1} << tick_shift_) - 1;
    return (micros >> tick_shift_) + ((micros & mask) != 0 ? 1 : 0);
  }
  size_t list_for(Instant deadline) const {
    const uint64_t tick = due_tick(deadline);
    if (tick <= hand_) return kFiring;
    const size_t level = (63U - static_cast<unsigned>(std::countl_zero(tick ^ hand_))) / kDigitBits;
    return level * kSlots + ((tick >> (level * kDigitBits)) & (kSlots - 1));
  }
  bool is_empty(size_t list) const { return heads_[list].next == &heads_[list]; }
  void link(size_t list, Node& node) {
    Links& head = heads_[list];
    node.links_ = {&head, head.prev};
    head.prev->next = &node.links_;
    head.prev = &node.links_;
    occupied_[list / kSlots] |= uint64_t{1} << (list % kSlots);
  }
  void unlink(Node& node) {
    const Links links = node.links_;
    links.prev->next = links.next;
    links.next->prev = links.prev;
    if (links.prev == links.next) vacate(static_cast<size_t>(links.next - heads_.data()));
  }
  void vacate(size_t list) { occupied_[list / kSlots] &= ~(uint64_t{1} << (list % kSlots)); }
  Node& front(size_t list) { return *reinterpret_cast<Node*>(heads_[list].next); }
  void disarm(Node& node) {
    unlink(node);
    node.links_ = {};
    node.deadline_ = kNever;
    --armed_;
  }
  void splice(size_t from, size_t to);
  Slot first_occupied() const;
  bool turn(uint64_t target, size_t& budget);

  unsigned tick_shift_;
  Instant now_;
  uint64_t hand_;  // every tick up to this one has been visited
  size_t armed_ = 0;
  std::array<uint64_t, kLevels + 1>
      occupied_{};  // a bit a list; the last word for the lists beside the levels
  std::array<Links, kLists> heads_;
};

template <typename F>
size_t Wheel::advance(Instant now, F&& on_expired, size_t budget) {
  now_ = std::max(now_, now);
  const uint64_t target =
      static_cast<uint64_t>(std::max<int64_t>(now_.time_since_epoch().count(), 0)) >> tick_shift_;
  if (!is_empty(kDue)) splice(kDue, kFiring);
  size_t expired = 0;
  do {
    while (!is_empty(kFiring)) {
      if (budget == 0) return expired;
      --budget;
      Node& node = front(kFiring);
      disarm(node);
      ++expired;
      on_expired(node);
    }
  } while (turn(target, budget));
  return expired;
}

}  // namespace millrace::timer
