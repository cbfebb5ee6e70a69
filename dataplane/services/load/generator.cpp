#include "services/load/generator.h"

#include <algorithm>
#include <bit>

#include "app/connection.h"

namespace millrace::services::load {

namespace {

std::optional<Pacer> opens_of(const Params& params) {
  if (params.rate == 0 || !params.is_rate_of_opens()) return std::nullopt;
  return Pacer(params.rate);
}

std::optional<Pacer> asks_of(const Params& params) {
  if (params.mode == Mode::Concurrent && params.hold > Micros{})
    return Pacer(static_cast<uint64_t>(params.connections * int64_t{1'000'000} / params.hold.count()) + 1);
  if (params.rate == 0 || params.is_rate_of_opens()) return std::nullopt;
  return Pacer(params.rate);
}

std::vector<IpAddress> of_family(const std::vector<IpAddress>& addresses, Family family) {
  std::vector<IpAddress> out;
  for (const IpAddress& address : addresses)
    if (address.family() == family) out.push_back(address);
  return out;
}

}  // namespace

void Generator::Queue::push(uint32_t slot) {
  const size_t at = size_t{front_} + size_;
  ring_[at < ring_.size() ? at : at - ring_.size()] = slot;
  ++size_;
}

uint32_t Generator::Queue::pop() {
  const uint32_t slot = ring_[front_];
  front_ = front_ + 1 == ring_.size() ? 0 : front_ + 1;
  --size_;
  return slot;
}

Generator::Generator(const Params& params)
    : params_(params),
      exchange_(params.has_exchange() ? make_exchange(params) : nullptr),
      slots_(params.connections),
      instants_(exchange_ != nullptr ? size_t{params.connections} * std::bit_ceil(params.depth) : 0),
      ring_mask_(std::bit_ceil(params.depth) - 1),
      sources_v4_(of_family(params.sources, Family::V4)),
      sources_v6_(of_family(params.sources, Family::V6)),
      opens_(opens_of(params)),
      asks_(asks_of(params)),
      idle_(params.connections),
      free_(params.connections) {
  for (uint32_t i = 0; i < params.connections; ++i) idle_.push(i);
}

Generator::~Generator() = default;

Generator::Slot& Generator::slot_of(const app::Connection& connection) {
  return *static_cast<Slot*>(connection.context());
}

void Generator::run(app::Stack& stack, Instant now) {
  stack_ = &stack;
  now_ = now;
  if (stopped_) return;
  if (began_ == kNever) {
    began_ = now;
    if (opens_) opens_->start(now);
  }
  if (now - began_ >= kPatience) opening_limit_ = most_opening();
  wake_rested();
  open_more();
  if (asks_ && exchange_ != nullptr) pace_requests();
  stats_.pending.set(under_way_);
  const Instant intended = opens_ ? opens_->next() : asks_ ? asks_->next() : kNever;
  stats_.behind.set(intended < now ? static_cast<uint64_t>((now - intended).count()) : 0);
}

// What waits for an answer or for a place needs no call: that is told by the connection concerned.
Instant Generator::next_call() const {
  if (stopped_) return kNever;
  if (began_ == kNever) return Instant{};
  const Instant soon = now_ + 1us;
  Instant next = resting_.empty() ? kNever : resting_.front().until;
  if (has_place_to_open()) next = earlier(next, opens_ ? std::max(opens_->next(), soon) : soon);
  if (!asks_ || exchange_ == nullptr) return next;
  if (!asks_->running()) return earlier(next, std::max(began_ + kPatience, soon));
  return free_.empty() ? next : earlier(next, std::max(asks_->next(), soon));
}

// ---- opening
// -------------------------------------------------------------------------------------------------

void Generator::wake_rested() {
  while (!resting_.empty() && resting_.front().until <= now_) {
    idle_.push(resting_.front().slot);
    resting_.pop_front();
  }
}

bool Generator::may_open() const {
  return !stopped_ && has_place_to_open() && (!opens_ || opens_->due(now_));
}

void Generator::open_more() {
  for (uint32_t i = 0; i < kActsAnIteration && may_open(); ++i)
    open(slots_[idle_.pop()], opens_ ? opens_->take() : now_);
}

app::ConnectOptions Generator::next_ends() {
  app::ConnectOptions ends;
  const size_t targets = params_.targets.size();
  ends.remote = params_.targets[turn_ % targets];
  const auto& sources = ends.remote.address.is_v4() ? sources_v4_ : sources_v6_;
  if (!sources.empty()) ends.local_address = sources[turn_ / targets % sources.size()];
  ends.fast_open = params_.fast_open;
  ++turn_;
  return ends;
}

void Generator::open(Slot& slot, Instant intended) {
  stats_.opens.add();
  const app::OpenResult result = stack_->connect(next_ends(), *this);
  if (result.connection == nullptr) {
    stats_.error(error_of(result.error));
    return rest(slot);
  }
  slot.connection = result.connection;
  slot.connection->set_context(&slot);
  slot.opened_us = now_us();
  slot.intended_us = low_us(intended);
  slot.unsent = slot.sent = slot.sent_octets = 0;
  slot.under_way = slot.oldest = 0;
  slot.handed_bytes = slot.acknowledged_bytes = 0;
  slot.stage = Stage::Opening;
  ++opening_;
  if (params_.fast_open && exchange_ != nullptr) begin_requests(slot);  // before the SYN leaves
}

void Generator::on_established(app::Connection& connection) {
  Slot& slot = slot_of(connection);
  slot.stage = Stage::Open;
  --opening_;
  // One more at a time, so that neither a neighbour's queue nor a listener's is overrun at the start.
  opening_limit_ = std::min(opening_limit_ + 1, most_opening());
  stats_.established.add();
  stats_.open.set(++open_);
  stats_.connect.record(now_us() - slot.opened_us);
  connection.set_no_delay(true);
  if (params_.mode == Mode::Handshake) {
    stats_.latency.record(now_us() - slot.intended_us);
    finish(slot, Ender::Us);
  } else if (exchange_ != nullptr) {
    if (!params_.fast_open) begin_requests(slot);
  } else if (params_.is_stream()) {
    stream(slot);
  }
  open_more();
}

// ---- told
// ----------------------------------------------------------------------------------------------------

void Generator::on_readable(app::Connection& connection) {
  Slot& slot = slot_of(connection);
  if (exchange_ != nullptr && slot.stage == Stage::Open)
    read_responses(slot);
  else
    swallow(slot);
}

void Generator::on_writable(app::Connection& connection) {
  Slot& slot = slot_of(connection);
  if (slot.stage != Stage::Open) return;
  if (exchange_ != nullptr)
    send_unsent(slot);
  else if (params_.is_stream())
    stream(slot);
}

void Generator::on_peer_finished(app::Connection& connection) {
  Slot& slot = slot_of(connection);
  if (slot.stage == Stage::Open) {
    if (exchange_ != nullptr && slot.under_way != 0 && exchange_->finish(number_of(slot)))
      take_responses(slot, {.responses = 1, .last = true});
    if (slot.stage == Stage::Open) return fail(slot, LoadError::Ended);
  }
  connection.close();
}

// ---- ending
// --------------------------------------------------------------------------------------------------

void Generator::finish(Slot& slot, Ender ender) {
  stats_.completed.add();
  slot.stage = Stage::Closing;
  if (params_.is_one_shot() && params_.close == Closer::Reset) return slot.connection->abort();
  if (ender == Ender::Us || slot.connection->peer_finished()) slot.connection->close();
}

// An error is counted once a connection; what its end is called afterwards does not count again.
void Generator::fail(Slot& slot, LoadError error) {
  stats_.error(error);
  slot.stage = Stage::Failed;
  slot.connection->abort();
}

void Generator::on_closed(app::Connection& connection, app::CloseReason reason) {
  Slot& slot = slot_of(connection);
  const Stage stage = slot.stage;
  if (stage == Stage::Opening)
    --opening_;
  else
    stats_.open.set(--open_);
  stats_.unanswered.add(slot.under_way);
  under_way_ -= slot.under_way;
  slot.under_way = 0;
  slot.connection = nullptr;
  slot.stage = Stage::Idle;
  if (stopped_) return;
  if (stage == Stage::Closing) {
    idle_.push(number_of(slot));
    return open_more();
  }
  if (stage != Stage::Failed) stats_.error(error_of(reason));
  rest(slot);
}

void Generator::rest(Slot& slot) { resting_.push_back({number_of(slot), now_ + kRetry}); }

}  // namespace millrace::services::load
