// Arming, and the wheel's hand: how it moves from one occupied slot to the next. Neighbour: wheel.h.
#include "timer/wheel.h"

namespace millrace::timer {

Wheel::Wheel(Instant start, Micros tick) : now_(start) {
  MILLRACE_CHECK(tick.count() > 0);
  tick_shift_ =
      static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(tick.count(), 1)))) - 1;
  hand_ = static_cast<uint64_t>(std::max<int64_t>(start.time_since_epoch().count(), 0)) >> tick_shift_;
  for (Links& head : heads_) head = {&head, &head};
}

void Wheel::start(Node& node, Instant deadline) {
  if (deadline == kNever) return cancel(node);
  const size_t list = deadline <= now_ ? kDue : list_for(deadline);
  if (node.armed()) {
    // Where a node hangs follows from its deadline, unless that has passed: most re-arming stays in its slot.
    const bool stays = node.deadline_ > now_ && list_for(node.deadline_) == list;
    node.deadline_ = deadline;
    if (stays) return;
    unlink(node);
  } else {
    node.deadline_ = deadline;
    ++armed_;
  }
  link(list, node);
}

void Wheel::cancel(Node& node) {
  if (node.armed()) disarm(node);
}

Instant Wheel::next_deadline() const {
  if (occupied_[kLevels] != 0) return now_;
  const Slot slot = first_occupied();
  if (slot.tick == kNoTick) return kNever;
  const uint64_t last = static_cast<uint64_t>(kNever.time_since_epoch().count()) >> tick_shift_;
  return std::max(now_, Instant(Micros(static_cast<int64_t>(std::min(slot.tick, last) << tick_shift_))));
}

void Wheel::splice(size_t from, size_t to) {
  Links& source = heads_[from];
  Links& target = heads_[to];
  source.next->prev = target.prev;
  target.prev->next = source.next;
  source.prev->next = &target;
  target.prev = source.prev;
  source = {&source, &source};
  vacate(from);
  occupied_[to / kSlots] |= uint64_t{1} << (to % kSlots);
}

Wheel::Slot Wheel::first_occupied() const {
  for (size_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const size_t slot = static_cast<size_t>(std::countr_zero(occupied_[level]));
    // The digits above are the hand's, the digits below are zero.
    const size_t shift = level * kDigitBits;
    const size_t above = shift + kDigitBits;
    const uint64_t high = above < 64 ? hand_ >> above << above : 0;
    return {level * kSlots + slot, level, high | (uint64_t{slot} << shift)};
  }
  return {kLists, kLevels, kNoTick};
}

// Moves the hand to the next occupied slot and empties it into the lists below. False: nothing is left up to
// `target`, or the budget is spent.
bool Wheel::turn(uint64_t target, size_t& budget) {
  if (is_empty(kFalling)) {
    const Slot slot = first_occupied();
    if (slot.tick > target) {
      hand_ = target;
      return false;
    }
    hand_ = slot.tick;
    splice(slot.list, slot.level == 0 ? kFiring : kFalling);
  }
  while (!is_empty(kFalling)) {
    if (budget == 0) return false;
    --budget;
    Node& node = front(kFalling);
    unlink(node);
    link(list_for(node.deadline_), node);
  }
  return true;
}

}  // namespace millrace::timer
