// A scoreboard with storage of its own, for tests.
#pragma once

#include <vector>

#include "recovery/scoreboard.h"

namespace millrace::recovery {

// Around the wrap of the sequence space, so that no comparison is of plain numbers.
inline constexpr uint32_t kIss = 0xffff'f000;
inline constexpr Bytes kSegment = 1000;

inline Seq seq_at(uint32_t offset) { return Seq(kIss + offset); }
inline Instant ms(int64_t count) { return Instant(Micros(count * 1000)); }

struct Board : Scoreboard {
  explicit Board(uint16_t capacity = 64, Seq first = Seq(kIss)) : storage(capacity) {
    open(first, storage.data(), capacity);
  }
  // `count` segments, one each millisecond from `from` on.
  void send_each_ms(int count, int64_t from) {
    for (int i = 0; i < count; ++i) sent(end() + kSegment, ms(from + i), 0us);
  }
  std::vector<Arrival> ack(uint32_t offset) {
    std::vector<Arrival> out;
    advance(seq_at(offset), [&](const Arrival& one) { out.push_back(one); });
    return out;
  }
  std::vector<Arrival> block(uint32_t left, uint32_t right) {
    std::vector<Arrival> out;
    whole = sack(seq_at(left), seq_at(right), [&](const Arrival& one) { out.push_back(one); });
    return out;
  }
  std::vector<Run> storage;
  bool whole = true;
};

}  // namespace millrace::recovery
