#include "tcp/transfer/congestion.h"

#include <new>

#include "tcp/transfer/flight.h"
#include "tcp/transfer/pacing.h"

namespace millrace::tcp {

namespace {

// The model lives in a block of payload memory.
static_assert(sizeof(cc::Bbr) <= Block::kCapacity && offsetof(Block, data) % alignof(cc::Bbr) == 0);

Block* block_of(cc::Bbr* model) {
  return reinterpret_cast<Block*>(reinterpret_cast<unsigned char*>(model) - offsetof(Block, data));
}

// nullptr: the algorithm has none, or there is no memory for it.
cc::Bbr* take_model(Tcb& tcb, cc::Algorithm algorithm, uint32_t segments) {
  if (algorithm != cc::Algorithm::Bbr || !take_pacing(tcb)) return nullptr;
  Block* block = tcb.cold.memory->take_block();
  if (block == nullptr) return nullptr;
  // The connection's own numbers are as good as drawn (RFC 6528): flows do not probe in step.
  const uint32_t seed = tcb.cold.iss.raw() * 2'654'435'761U ^ tcb.hot.ts_offset;
  return new (block->data) cc::Bbr(cc::initial_window(tcb.hot.mss, segments), seed);
}

cc::Algorithm usable(cc::Algorithm algorithm, const cc::Bbr* model) {
  return algorithm == cc::Algorithm::Bbr && model == nullptr ? cc::Algorithm::Cubic : algorithm;
}

}  // namespace

void open_congestion_control(Tcb& tcb, const TcpParams& params, uint32_t segments) {
  close_congestion_control(tcb);
  const cc::Algorithm algorithm = chosen_congestion_control(tcb, params);
  cc::Bbr* model = take_model(tcb, algorithm, segments);
  tcb.cold.cc.open(usable(algorithm, model), tcb.hot.mss, segments, model);
  tcb.hot.cwnd = tcb.cold.cc.cwnd();
  if (params.pacing || model != nullptr || tcb.cold.settings.any()) renew_pacing(tcb, params.pacing);
}

void choose_congestion_control(Tcb& tcb, cc::Algorithm algorithm, const TcpParams& params) {
  if (algorithm == tcb.cold.cc.algorithm()) return;
  cc::Bbr* model = take_model(tcb, algorithm, params.initial_window_segments);
  if (usable(algorithm, model) == tcb.cold.cc.algorithm()) return;
  cc::Bbr* before = tcb.cold.cc.model();
  tcb.cold.cc.choose(usable(algorithm, model), model);
  if (before != nullptr) tcb.cold.memory->give_back(block_of(before));
  if (tcb.hot.flight != nullptr) tcb.hot.flight->can_undo = false;  // it would bring the old one back
}

void close_congestion_control(Tcb& tcb) {
  if (cc::Bbr* model = tcb.cold.cc.model(); model != nullptr) {
    tcb.cold.cc.choose(cc::Algorithm::NewReno);
    tcb.cold.memory->give_back(block_of(model));
  }
}

void note_out_of_data(Tcb& tcb) {
  const TcbHot& hot = tcb.hot;
  cc::Bbr* model = tcb.cold.cc.model();
  if (model == nullptr || waits_for_departure(tcb)) return;
  if (hot.snd_nxt.before(hot.snd_end) && hot.snd_end - hot.snd_nxt >= hot.mss) return;
  if (hot.flight != nullptr && hot.flight->board.has_lost()) return;
  const Bytes octets = in_flight(tcb);
  if (octets < hot.cwnd) model->on_out_of_data(octets);
}

}  // namespace millrace::tcp
