#include "tcp/transfer/flight.h"

#include <new>

namespace millrace::tcp {

namespace {

using recovery::Run;

constexpr uint16_t kBlockRuns = Block::kCapacity / sizeof(Run);
constexpr uint16_t kPageRuns = kPageBytes / sizeof(Run);
constexpr uint16_t kLargePageRuns = kLargePageBytes / sizeof(Run);
constexpr uint16_t kHugePageRuns = kHugePageBytes / sizeof(Run);

void give_back_page(Memory& memory, const Flight& flight) {
  if (flight.page == nullptr) return;
  switch (flight.paging) {
    case Paging::Small:
      return memory.give_back_page(flight.page);
    case Paging::Large:
      return memory.give_back_large_page(flight.page);
    case Paging::Huge:
      return memory.give_back_huge_page(flight.page);
  }
}

// A queue that overflows may lose every other segment, which makes a run of each: what then is selectively
// acknowledged without room is sent again for nothing. A peer that tells of octets where we sent segments gets no
// more for it.
void grow_page(Tcb& tcb) {
  Flight& flight = *tcb.hot.flight;
  Memory& memory = *tcb.cold.memory;
  const bool small = flight.paging == Paging::Small;
  const Bytes segments = (tcb.hot.snd_nxt - tcb.hot.snd_una) / tcb.hot.mss;
  if (flight.paging == Paging::Huge || segments < (small ? kPageRuns : kLargePageRuns) / 2) return;
  void* page = small ? memory.take_large_page() : memory.take_huge_page();
  if (page == nullptr) return;
  flight.board.move_to(static_cast<Run*>(page), small ? kLargePageRuns : kHugePageRuns);
  give_back_page(memory, flight);
  flight.page = page;
  flight.paging = small ? Paging::Large : Paging::Huge;
}

}  // namespace

Flight& open_flight(Tcb& tcb) {
  TcbHot& hot = tcb.hot;
  if (hot.flight == nullptr) [[unlikely]] {
    hot.flight = new (tcb.cold.memory->take_cell_always()) Flight;
    const Seq first = hot.flags.syn_acked ? hot.snd_una : hot.snd_una + 1;  // the SYN has a flag of its own
    hot.flight->board.open(first, hot.flight->runs, Flight::kRuns);
    hot.flight->rack.open(first);
    hot.flight->recover = first;
    if (hot.flags.syn_acked && hot.has_flight())
      hot.flight->board.sent(hot.snd_nxt, tcb.cold.last_sent_at, 0us);
  }
  return *hot.flight;
}

void close_flight(Tcb& tcb) {
  Flight* flight = tcb.hot.flight;
  if (flight == nullptr) return;
  Memory& memory = *tcb.cold.memory;
  if (flight->block != nullptr) memory.give_back(flight->block);
  give_back_page(memory, *flight);
  memory.give_back_cell(flight);
  tcb.hot.flight = nullptr;
}

void grow_flight(Tcb& tcb) {
  Flight& flight = *tcb.hot.flight;
  Memory& memory = *tcb.cold.memory;
  if (flight.page != nullptr) return grow_page(tcb);
  if (flight.block == nullptr) {
    flight.block = memory.take_block();
    if (flight.block != nullptr) flight.board.move_to(reinterpret_cast<Run*>(flight.block->data), kBlockRuns);
    return;
  }
  flight.page = memory.take_page();
  if (flight.page == nullptr) return;
  flight.board.move_to(static_cast<Run*>(flight.page), kPageRuns);
  memory.give_back(flight.block);
  flight.block = nullptr;
}

}  // namespace millrace::tcp
