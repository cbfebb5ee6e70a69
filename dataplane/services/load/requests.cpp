// Requests and responses: a closed loop asks again when it is answered; an open loop asks when the pacer
// says so, over whichever connection has a place, and counts latency from there.
#include <algorithm>

#include "app/connection.h"
#include "services/load/generator.h"

namespace millrace::services::load {

uint32_t& Generator::instant_of(const Slot& slot, uint32_t index) {
  return instants_[size_t{number_of(slot)} * (ring_mask_ + 1) + (index & ring_mask_)];
}

void Generator::begin_requests(Slot& slot) {
  exchange_->begin(number_of(slot));
  if (params_.mode == Mode::Connections) {
    ask(slot, 1, now_);
    instant_of(slot, slot.oldest) = slot.intended_us;  // the whole of the connection is measured
  } else if (asks_) {
    offer(slot);
  } else {
    ask(slot, params_.depth, now_);
  }
}

void Generator::ask(Slot& slot, uint32_t count, Instant intended) {
  const uint32_t end = uint32_t{slot.oldest} + slot.under_way;
  for (uint32_t i = 0; i < count; ++i) instant_of(slot, end + i) = low_us(intended);
  slot.under_way = static_cast<uint16_t>(slot.under_way + count);
  slot.unsent += count;
  under_way_ += count;
  send_unsent(slot);
}

void Generator::send_unsent(Slot& slot) {
  const uint32_t octets = exchange_->request_bytes();
  while (slot.unsent != 0) {
    const uint32_t count = std::min(slot.unsent, exchange_->batch());
    const auto requests = exchange_->requests(number_of(slot), slot.sent, count).subspan(slot.sent_octets);
    const uint32_t taken = slot.connection->send(requests);
    stats_.bytes_sent.add(taken);
    const bool all = taken == requests.size();
    const uint32_t whole = all ? count : (slot.sent_octets + taken) / octets;
    slot.sent_octets = all ? 0 : (slot.sent_octets + taken) % octets;
    slot.sent += whole;
    slot.unsent -= whole;
    stats_.requests.add(whole);
    if (!all) return;  // on_writable goes on
  }
}

void Generator::read_responses(Slot& slot) {
  app::Connection& connection = *slot.connection;
  for (auto run = connection.readable(); !run.empty() && slot.stage == Stage::Open;
       run = connection.readable()) {
    const Progress progress = exchange_->read(number_of(slot), run);
    stats_.bytes_received.add(run.size());
    connection.consume(static_cast<uint32_t>(run.size()));
    take_responses(slot, progress);
  }
}

void Generator::take_responses(Slot& slot, const Progress& progress) {
  if (progress.malformed || progress.responses > slot.under_way) return fail(slot, LoadError::Malformed);
  if (progress.responses == 0) return;
  for (uint32_t i = 0; i < progress.bad_statuses; ++i) stats_.error(LoadError::Status);
  for (uint32_t i = 0; i < progress.responses; ++i)
    stats_.latency.record(now_us() - instant_of(slot, slot.oldest + i));
  stats_.responses.add(progress.responses);
  slot.oldest = static_cast<uint16_t>(slot.oldest + progress.responses);
  slot.under_way = static_cast<uint16_t>(slot.under_way - progress.responses);
  under_way_ -= progress.responses;
  if (progress.last) return finish(slot, params_.close == Closer::Server ? Ender::Server : Ender::Us);
  if (params_.mode == Mode::Connections) return finish(slot, Ender::Us);
  if (stopped_) return;
  if (asks_)
    ask_due(slot);
  else
    ask(slot, progress.responses, now_);
}

// ---- open loop
// -----------------------------------------------------------------------------------------------

void Generator::start_pacing() {
  const bool impatient = params_.mode != Mode::Concurrent && now_ - began_ >= kPatience;
  if (open_ == params_.connections || impatient) asks_->start(now_);
}

// At the intended instants, over the connections in turn. What is due and finds no place waits, and its
// latency grows meanwhile.
void Generator::pace_requests() {
  if (!asks_->running()) start_pacing();
  for (uint32_t i = 0; i < kActsAnIteration && !free_.empty() && asks_->due(now_); ++i) {
    Slot& slot = slots_[free_.pop()];
    slot.listed = false;
    if (slot.stage != Stage::Open) continue;
    ask(slot, 1, asks_->take());
    offer(slot);
  }
}

void Generator::ask_due(Slot& slot) {
  if (free_.empty())  // or others have waited longer
    while (slot.under_way < params_.depth && asks_->due(now_)) ask(slot, 1, asks_->take());
  offer(slot);
}

void Generator::offer(Slot& slot) {
  if (slot.listed || slot.under_way >= params_.depth) return;
  slot.listed = true;
  free_.push(number_of(slot));
}

}  // namespace millrace::services::load
