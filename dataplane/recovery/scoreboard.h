// What of [SND.UNA, SND.NXT) has become of each octet: in flight, selectively acknowledged or lost, and when
// it was sent last. Runs in order of sequence numbers; what was sent in one instant is one run, so that a
// bulk sender with thousands of segments in flight holds a few. Storage is handed in and bounded: what finds
// no room is told coarser, or not told. Plain state over sequence numbers. Neighbours: rack.h, which decides
// what is lost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/check.h"
#include "base/seq.h"
#include "base/time.h"
#include "base/units.h"

namespace millrace::recovery {

enum class Fate : uint8_t { InFlight, Sacked, Lost };

struct Run {
  Seq begin;            // up to the next run's begin; the last one up to the scoreboard's end
  uint16_t spread = 0;  // the first octets were sent so many microseconds before the last; kUnknown: or more
  Fate fate = Fate::InFlight;
  bool retransmitted = false;
  Instant sent_at{};  // of the last octet, the last time

  static constexpr uint16_t kUnknown = 0xffff;
};
static_assert(sizeof(Run) == 16 && std::is_trivially_copyable_v<Run>);

// Octets that have arrived, as far as one run tells.
struct Arrival {
  Seq begin;
  Seq end;
  Instant sent_at{};
  bool retransmitted = false;
  bool exact = false;  // sent_at is that of the octet before `end`
  Fate was = Fate::InFlight;
};

class Scoreboard {
 public:
  static constexpr uint16_t kNone = 0xffff;

  // Nothing is outstanding; the first octet will be `at`.
  void open(Seq at, Run* storage, uint16_t capacity) {
    *this = Scoreboard();
    runs_ = storage;
    capacity_ = capacity;
    end_ = lost_from_ = at;
  }
  // Goes on in larger storage; returns the one left.
  Run* move_to(Run* storage, uint16_t capacity);

  bool empty() const { return count_ == 0; }
  Seq begin() const { return empty() ? end_ : at(0).begin; }
  Seq end() const { return end_; }
  Bytes sacked() const { return sacked_; }
  Bytes lost() const { return lost_; }
  // RFC 6675 §4, "pipe": octets thought to be in the network.
  Bytes in_flight() const { return (end_ - begin()) - sacked_ - lost_; }
  uint16_t size() const { return count_; }
  uint16_t room() const { return static_cast<uint16_t>(capacity_ - count_); }
  const Run& run(uint16_t i) const { return at(i); }
  Seq run_end(uint16_t i) const { return i + 1U < count_ ? at(static_cast<uint16_t>(i + 1U)).begin : end_; }

  // New octets up to `end` leave. What leaves within `quantum` of a run that is still growing joins it.
  void sent(Seq end, Instant now, Micros quantum) {
    MILLRACE_CHECK(end.after(end_));
    if (count_ != 0 && joins(at(static_cast<uint16_t>(count_ - 1U)), now, quantum)) {
      end_ = end;
      return;
    }
    append(now);
    end_ = end;
  }
  // [begin, end), all lost and beginning a run, leave once more. Without room something else is told coarser.
  void resent(Seq begin, Seq end, Instant now);
  // The same for octets in flight (a probe): they stay in flight.
  void resent_in_flight(Seq begin, Instant now);

  // Cumulative acknowledgement up to `ack`. Calls on_arrival(const Arrival&) for what had not been SACKed.
  template <typename F>
  void advance(Seq ack, F&& on_arrival);
  // One SACK block within [begin(), end()). False: there was no room for all of it.
  template <typename F>
  bool sack(Seq left, Seq right, F&& on_arrival);

  void mark_lost(uint16_t run);
  // [begin(), begin() + octets) is lost, or as much of it as room allows.
  void mark_first_lost(Bytes octets);
  void mark_all_lost();
  // Nothing was lost after all.
  void forget_losses();
  // The peer has reneged (RFC 2018 §8): what it had SACKed is lost.
  void forget_sacks();

  bool has_lost() const { return lost_ != 0; }
  // The first run that is lost; kNone.
  uint16_t first_lost() const;
  // The run that holds `seq`, which lies in [begin(), end()).
  uint16_t find(Seq seq) const;
  // Runs of SACKed octets with something missing before them, up to `most`.
  unsigned sacked_runs(unsigned most) const;

 private:
  // Kept for retransmissions: blocks that a peer makes up cannot take it.
  static constexpr uint16_t kReserve = 2;

  Run& at(uint16_t i) { return runs_[static_cast<uint16_t>(first_ + i)]; }
  const Run& at(uint16_t i) const { return runs_[static_cast<uint16_t>(first_ + i)]; }

  static bool joins(Run& last, Instant now, Micros quantum) {
    if (last.fate != Fate::InFlight || last.retransmitted) return false;
    if (last.sent_at == now) return true;
    const Micros spread = now - last.sent_at + Micros(last.spread);
    if (spread > quantum || spread.count() >= Run::kUnknown) return false;
    last.sent_at = now;
    last.spread = static_cast<uint16_t>(spread.count());
    return true;
  }
  void append(Instant now);
  // Makes a place before run i; its contents are the caller's to fill.
  Run& insert(uint16_t i);
  void erase(uint16_t i, uint16_t count);
  // A run begins at `seq` afterwards; returns its index (count_ for the end), kNone without room.
  uint16_t split(Seq seq, uint16_t reserve);
  void merge(uint16_t i);  // with its neighbours, where nothing tells them apart
  bool alike(const Run& a, const Run& b) const;
  void join(uint16_t i);  // run i and the next one
  bool coarsen();
  Arrival arrival(uint16_t i, Seq begin, Seq end) const {
    const Run& run = at(i);
    return {.begin = begin,
            .end = end,
            .sent_at = run.sent_at,
            .retransmitted = run.retransmitted,
            .exact = run.spread == 0 || (end == run_end(i) && run.spread != Run::kUnknown),
            .was = run.fate};
  }
  void uncount(Fate fate, Bytes octets) {
    if (fate == Fate::Sacked) sacked_ -= octets;
    if (fate == Fate::Lost) lost_ -= octets;
  }

  Run* runs_ = nullptr;
  uint16_t first_ = 0;
  uint16_t count_ = 0;
  uint16_t capacity_ = 0;
  Seq end_;
  Seq lost_from_;  // nothing before it is lost
  Bytes sacked_ = 0;
  Bytes lost_ = 0;
};

template <typename F>
void Scoreboard::advance(Seq ack, F&& on_arrival) {
  while (count_ != 0) {
    Run& run = at(0);
    if (!run.begin.before(ack)) return;
    const Seq stop = earlier(run_end(0), ack);
    if (run.fate != Fate::Sacked) on_arrival(arrival(0, run.begin, stop));
    uncount(run.fate, stop - run.begin);
    if (stop != run_end(0)) {
      run.begin = stop;
      return;
    }
    ++first_;
    --count_;
  }
  first_ = 0;
}

template <typename F>
bool Scoreboard::sack(Seq left, Seq right, F&& on_arrival) {
  while (left.before(right)) {
    uint16_t i = find(left);
    const Seq stop = earlier(run_end(i), right);
    if (at(i).fate != Fate::Sacked) {
      i = split(left, kReserve);
      if (i == kNone || (stop != run_end(i) && split(stop, kReserve) == kNone)) return false;
      on_arrival(arrival(i, left, stop));
      uncount(at(i).fate, stop - left);
      sacked_ += stop - left;
      at(i).fate = Fate::Sacked;
      merge(i);
    }
    left = stop;
  }
  return true;
}

}  // namespace millrace::recovery
