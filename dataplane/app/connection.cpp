#include "app/connection.h"

#include <algorithm>

#include "base/check.h"
#include "tcp/close/close.h"
#include "tcp/open/negotiation.h"
#include "tcp/transfer/congestion.h"
#include "tcp/transfer/delayed_ack.h"
#include "tcp/transfer/output.h"
#include "tcp/transfer/pacing.h"
#include "tcp/transfer/urgent.h"

namespace millrace::app {

static_assert(sizeof(Connection) <= 512, "an idle connection; bench/micro/lifecycle.cpp weighs a million");

Connection::Connection(Stack& stack, Handler& handler, tcp::Memory& memory)
    : tcb_(memory), stack_(&stack), handler_(&handler) {
  MILLRACE_CHECK(static_cast<const void*>(this) == static_cast<const void*>(&tcb_));
}

Connection::~Connection() = default;

void Connection::touched() { stack_->touch(*this); }

// ---- receive
// ---------------------------------------------------------------------------------------------------

std::span<const uint8_t> Connection::readable() const { return tcb_.cold.receive.front(); }

uint32_t Connection::readable_bytes() const { return tcb_.cold.receive.size(); }

void Connection::consume(uint32_t count) {
  tcb_.cold.receive.consume(count);
  if (tcp::may_grow_receive_buffer(tcb_)) tcp::on_consumed(tcb_, tuning_, stack_->now());
  // Only what the peer or the application is to learn of needs another visit.
  if (tcp::is_window_update_due(tcb_) || (tcb_.hot.events != 0 && tcb_.cold.receive.empty())) touched();
}

uint32_t Connection::peek(uint32_t offset, std::span<uint8_t> out) const {
  return tcb_.cold.receive.copy(offset, out);
}

bool Connection::peer_finished() const {
  switch (tcb_.hot.state()) {
    case tcp::State::CloseWait:
    case tcp::State::Closing:
    case tcp::State::LastAck:
    case tcp::State::TimeWait:
      return true;
    default:
      return (tcb_.hot.events & tcp::Event::kPeerFinished) != 0 || peer_finished_told_;
  }
}

// ---- send
// ------------------------------------------------------------------------------------------------------

namespace {

bool takes_text(const tcp::TcbHot& hot) {
  if (hot.flags.fin_queued) return false;
  switch (hot.state()) {
    case tcp::State::SynSent:
    case tcp::State::SynReceived:
    case tcp::State::Established:
    case tcp::State::CloseWait:
      return true;
    default:
      return false;
  }
}

}  // namespace

uint32_t Connection::writable_bytes() const {
  if (!takes_text(tcb_.hot)) return 0;
  const uint32_t limit = send_limit();
  return limit - std::min(limit, tcb_.cold.send.size());
}

// Twice the congestion window: one flight unacknowledged, and the next one queued behind it.
uint32_t Connection::send_limit() const {
  const tcp::TcbCold& cold = tcb_.cold;
  const Bytes most = cold.memory->limits().send;
  if (cold.send_buffer >= most || cold.send_buffer_set || cold.memory->is_under_pressure())
    return cold.send_buffer;
  return std::max(cold.send_buffer, std::min(2 * tcb_.hot.cwnd, most));
}

uint32_t Connection::send_low_water() const {
  const uint32_t wanted =
      tcp::setting(tcb_, &ConnectionParams::send_low_water, tcb_.cold.memory->limits().send_low_water);
  return std::max(1U, std::min(wanted, send_limit()));
}

uint32_t Connection::unacknowledged_bytes() const { return tcb_.cold.send.size(); }

uint32_t Connection::unsent_bytes() const {
  const tcp::TcbHot& hot = tcb_.hot;
  return hot.snd_nxt.before(hot.snd_end) ? hot.snd_end - hot.snd_nxt : 0;
}

uint32_t Connection::send(std::span<const uint8_t> octets) {
  const size_t room = writable_bytes();
  const uint32_t count = tcb_.cold.send.append(octets.first(std::min(room, octets.size())));
  if (count < octets.size()) want_writable_ = true;
  if (count != 0) {
    tcb_.hot.snd_end += count;
    touched();
  }
  return count;
}

std::span<uint8_t> Connection::reserve(uint32_t want) {
  const std::span<uint8_t> room = tcb_.cold.send.reserve(std::min(want, writable_bytes()));
  if (room.empty()) want_writable_ = true;
  return room;
}

void Connection::commit(uint32_t count) {
  if (count == 0) return;
  tcb_.cold.send.commit(count);
  tcb_.hot.snd_end += count;
  touched();
}

// ---- end
// -------------------------------------------------------------------------------------------------------

void Connection::shutdown() {
  tcp::shutdown(tcb_);
  touched();
}

void Connection::close() {
  tcp::close(tcb_, stack_->now());
  touched();
}

void Connection::abort() {
  tcp::abort(tcb_);
  touched();
}

// ---- settings
// --------------------------------------------------------------------------------------------------

bool Connection::set(const ConnectionParams& settings) {
  tcp::TcbRare* rare = tcb_.cold.settings.take(*tcb_.cold.memory);
  if (rare == nullptr) return false;
  static_cast<ConnectionParams&>(*rare) = settings;
  if (settings.max_segment) tcp::clamp_mss(tcb_, Mss(*settings.max_segment));
  if (settings.congestion_control) tcp::choose_congestion_control(tcb_, *settings.congestion_control, stack_->tcp_params());
  if (settings.congestion_control || settings.max_pacing_rate || tcb_.hot.flags.paced)
    tcp::renew_pacing(tcb_, stack_->tcp_params().pacing);
  touched();  // deadlines may have moved
  return true;
}

const ConnectionParams& Connection::settings() const { return *tcb_.cold.settings.operator->(); }

uint32_t Connection::send_urgent(std::span<const uint8_t> octets) {
  const uint32_t count = send(octets);
  if (count == octets.size() && count != 0) tcp::mark_sent_urgent(tcb_);
  return count;
}

uint32_t Connection::urgent_bytes() const { return tcp::urgent_bytes(tcb_); }

void Connection::set_no_delay(bool on) {
  tcb_.hot.flags.no_delay = on;
  if (on) touched();
}

void Connection::set_cork(bool on) {
  if (tcb_.cold.corked == on) return;
  tcb_.cold.corked = on;
  if (!on) touched();
}

void Connection::set_quick_ack(bool on) {
  tcb_.hot.quick_acks = on ? tcp::kQuickAcks : 0;
  if (!on || !tcb_.hot.flags.ack_delayed) return;
  tcb_.hot.flags.ack_now = true;
  touched();
}

FastOpenResult Connection::fast_open() const {
  using enum FastOpenResult;
  const tcp::FastOpenState& state = tcb_.cold.fast_open;
  if (state.data_taken) return DataAcknowledged;
  if (state.early) return OpenedWithoutData;
  if (!state.cookie_asked && !state.cookie_sent) return Unused;
  if (state.syn_again) return SynRetransmitted;
  if (state.cookie_asked) return CookieRequested;
  return state.data_in_syn && tcb_.hot.flags.syn_acked ? DataRefused : CookieSent;
}

// ---- what the handler is told
// ----------------------------------------------------------------------------------

namespace {

CloseReason reason_of(tcp::End end) {
  switch (end) {
    case tcp::End::None:
    case tcp::End::Finished:
      return CloseReason::Finished;
    case tcp::End::Reset:
      return CloseReason::Reset;
    case tcp::End::Refused:
      return CloseReason::Refused;
    case tcp::End::TimedOut:
      return CloseReason::TimedOut;
    case tcp::End::Unreachable:
      return CloseReason::Unreachable;
    case tcp::End::Aborted:
      return CloseReason::Aborted;
    case tcp::End::NoMemory:
      return CloseReason::NoMemory;
    case tcp::End::AddressInUse:
      return CloseReason::AddressInUse;
    case tcp::End::Internal:
      return CloseReason::Internal;
  }
  return CloseReason::Internal;
}

}  // namespace

// One event, the oldest kind first. False: nothing is left to tell.
bool Connection::deliver_once() {
  uint8_t& events = tcb_.hot.events;
  const auto take = [&events](uint8_t bit) {
    const bool pending = (events & bit) != 0;
    events = static_cast<uint8_t>(events & ~bit);
    return pending;
  };
  const bool reading = !tcb_.hot.flags.receive_closed;
  if (take(tcp::Event::kEstablished) && !established_told_) {
    established_told_ = true;
    handler_->on_established(*this);
    return true;
  }
  if (take(tcp::Event::kSoftError) && tcb_.cold.soft_error != tcp::SoftError::None) {
    handler_->on_error(*this, last_soft_error());
    return true;
  }
  if (take(tcp::Event::kUrgent) && reading) {
    handler_->on_urgent(*this);
    return true;
  }
  if (take(tcp::Event::kReadable) && reading && !tcb_.cold.receive.empty()) {
    handler_->on_readable(*this);
    return true;
  }
  if (take(tcp::Event::kSendSpace) && want_writable_ && writable_bytes() >= send_low_water()) {
    want_writable_ = false;
    handler_->on_writable(*this);
    return true;
  }
  if ((events & tcp::Event::kPeerFinished) != 0 && tcb_.cold.receive.empty()) {
    take(tcp::Event::kPeerFinished);
    if (!reading || peer_finished_told_) return true;
    peer_finished_told_ = true;
    handler_->on_peer_finished(*this);
    return true;
  }
  return tell_end();
}

bool Connection::tell_end() {
  if ((tcb_.hot.events & tcp::Event::kClosed) == 0) return false;
  // What was received before an orderly end is still the application's to read.
  const bool unread = !tcb_.cold.receive.empty() && !tcb_.hot.flags.receive_closed;
  if (unread && tcb_.cold.end == tcp::End::Finished) return false;
  tcb_.hot.events = 0;
  closed_told_ = true;
  // A passive open that never reached ESTABLISHED was never shown to the application.
  if (established_told_ || tcb_.hot.flags.active_open) handler_->on_closed(*this, reason_of(tcb_.cold.end));
  return false;
}

bool Connection::deliver() {
  // An application that answers each event by another one is served again in the next iteration.
  constexpr int kRounds = 16;
  for (int round = 0; round < kRounds && !closed_told_; ++round)
    if (!deliver_once()) break;
  return closed_told_;
}

}  // namespace millrace::app
