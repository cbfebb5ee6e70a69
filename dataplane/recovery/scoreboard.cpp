#include "recovery/scoreboard.h"

namespace millrace::recovery {

Run* Scoreboard::move_to(Run* storage, uint16_t capacity) {
  std::memcpy(static_cast<void*>(storage), runs_ + first_, count_ * sizeof(Run));
  Run* old = runs_;
  runs_ = storage;
  first_ = 0;
  capacity_ = capacity;
  return old;
}

uint16_t Scoreboard::find(Seq seq) const {
  uint16_t low = 0;
  uint16_t high = count_;
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    if (at(middle).begin.after(seq))
      high = middle;
    else
      low = middle;
  }
  return low;
}

Run& Scoreboard::insert(uint16_t i) {
  // The shorter side moves.
  const bool front = first_ != 0 && (i < count_ / 2 || first_ + count_ == capacity_);
  Run* base = runs_ + first_;
  if (front) {
    std::memmove(static_cast<void*>(base - 1), base, i * sizeof(Run));
    --first_;
  } else {
    std::memmove(static_cast<void*>(base + i + 1), base + i, static_cast<size_t>(count_ - i) * sizeof(Run));
  }
  ++count_;
  return at(i);
}

void Scoreboard::erase(uint16_t i, uint16_t count) {
  Run* base = runs_ + first_;
  std::memmove(static_cast<void*>(base + i), base + i + count,
               static_cast<size_t>(count_ - i - count) * sizeof(Run));
  count_ = static_cast<uint16_t>(count_ - count);
}

void Scoreboard::append(Instant now) {
  if (count_ == capacity_ && at(static_cast<uint16_t>(count_ - 1U)).fate == Fate::InFlight) {
    // Coarser: the run is as old as its latest octet, which never takes it for lost too early.
    Run& last = at(static_cast<uint16_t>(count_ - 1U));
    last.sent_at = now;
    last.spread = Run::kUnknown;
    return;
  }
  if (count_ == capacity_) forget_sacks();
  if (first_ + count_ == capacity_ && first_ != 0) {
    std::memmove(static_cast<void*>(runs_), runs_ + first_, count_ * sizeof(Run));
    first_ = 0;
  }
  ++count_;
  at(static_cast<uint16_t>(count_ - 1U)) = {.begin = end_, .sent_at = now};
}

uint16_t Scoreboard::split(Seq seq, uint16_t reserve) {
  if (seq == end_) return count_;
  const uint16_t i = find(seq);
  if (at(i).begin == seq) return i;
  if (count_ + reserve >= capacity_) return kNone;
  const Run copy = at(i);
  Run& second = insert(static_cast<uint16_t>(i + 1U));
  second = copy;
  second.begin = seq;
  // Of the first part no more is known than when the last octet of both was sent.
  if (copy.spread != 0) at(i).spread = Run::kUnknown;
  return static_cast<uint16_t>(i + 1U);
}

bool Scoreboard::alike(const Run& a, const Run& b) const {
  if (a.fate != b.fate) return false;
  if (a.fate == Fate::Sacked) return true;  // when they were sent matters no more
  return a.sent_at == b.sent_at && a.retransmitted == b.retransmitted;
}

void Scoreboard::join(uint16_t i) {
  Run& a = at(i);
  const Run& b = at(static_cast<uint16_t>(i + 1U));
  a.retransmitted = a.retransmitted || b.retransmitted;
  a.spread = a.spread != 0 || b.spread != 0 || a.sent_at != b.sent_at ? Run::kUnknown : uint16_t{0};
  a.sent_at = std::max(a.sent_at, b.sent_at);
  erase(static_cast<uint16_t>(i + 1U), 1);
}

void Scoreboard::merge(uint16_t i) {
  if (i + 1U < count_ && alike(at(i), at(static_cast<uint16_t>(i + 1U)))) join(i);
  if (i > 0 && alike(at(static_cast<uint16_t>(i - 1U)), at(i))) join(static_cast<uint16_t>(i - 1U));
}

// Makes room of two neighbours that differ in nothing but when they were sent.
bool Scoreboard::coarsen() {
  for (uint16_t i = count_; i-- > 1;) {
    if (at(i).fate != at(static_cast<uint16_t>(i - 1U)).fate) continue;
    join(static_cast<uint16_t>(i - 1U));
    return true;
  }
  return false;
}

void Scoreboard::resent(Seq begin, Seq end, Instant now) {
  if (room() == 0 && !coarsen()) forget_sacks();
  uint16_t i = split(begin, 0);
  if (i == kNone || (end != run_end(i) && split(end, 0) == kNone)) return;
  Run& run = at(i);
  uncount(run.fate, end - begin);
  run.fate = Fate::InFlight;
  run.retransmitted = true;
  run.spread = 0;
  run.sent_at = now;
  merge(i);
}

void Scoreboard::resent_in_flight(Seq begin, Instant now) {
  uint16_t i = split(begin, 0);
  if (i == kNone) i = find(begin);
  if (i >= count_ || at(i).fate != Fate::InFlight) return;
  at(i).retransmitted = true;
  at(i).sent_at = now;
  at(i).spread = 0;
}

void Scoreboard::mark_lost(uint16_t i) {
  Run& run = at(i);
  if (run.fate != Fate::InFlight) return;
  run.fate = Fate::Lost;
  lost_ += run_end(i) - run.begin;
  lost_from_ = lost_ == run_end(i) - run.begin ? run.begin : earlier(lost_from_, run.begin);
}

void Scoreboard::mark_first_lost(Bytes octets) {
  if (empty()) return;
  const Seq stop = earlier(begin() + octets, end_);
  split(stop, 0);  // without room more than asked is lost: the whole run
  for (uint16_t i = 0; i < count_ && at(i).begin.before(stop); ++i) mark_lost(i);
}

void Scoreboard::mark_all_lost() {
  for (uint16_t i = 0; i < count_; ++i) mark_lost(i);
}

void Scoreboard::forget_losses() {
  for (uint16_t i = 0; i < count_; ++i) {
    Run& run = at(i);
    if (run.fate == Fate::Lost) run.fate = Fate::InFlight;
  }
  lost_ = 0;
}

void Scoreboard::forget_sacks() {
  if (empty()) return;
  // One run: nothing is known any more but that it has been sent.
  Run& run = at(0);
  run.sent_at = at(static_cast<uint16_t>(count_ - 1U)).sent_at;
  run.fate = Fate::Lost;
  run.retransmitted = true;
  run.spread = Run::kUnknown;
  count_ = 1;
  sacked_ = 0;
  lost_ = end_ - run.begin;
  lost_from_ = run.begin;
}

uint16_t Scoreboard::first_lost() const {
  if (lost_ == 0) return kNone;
  for (uint16_t i = find(later(lost_from_, begin())); i < count_; ++i)
    if (at(i).fate == Fate::Lost) return i;
  return kNone;
}

unsigned Scoreboard::sacked_runs(unsigned most) const {
  unsigned found = 0;
  for (uint16_t i = 0; i < count_ && found < most; ++i)
    if (at(i).fate == Fate::Sacked) ++found;
  return found;
}

}  // namespace millrace::recovery
