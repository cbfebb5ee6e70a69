#include "tcp/transfer/user_timeout.h"

#include <algorithm>

#include "tcp/transfer/paws.h"

namespace millrace::tcp {

namespace {

// When the data at SND.UNA began to wait: its timer was started then.
Instant waiting_since(const Tcb& tcb) {
  const TcbHot& hot = tcb.hot;
  // A closed window is answered for as long as the peer answers (RFC 9293 §3.8.6.1 MUST-37).
  if (hot.snd_wnd == 0 && hot.flags.syn_acked) return tcb.cold.heard_at;
  if (tcb.cold.stalled_at_ms == 0) return hot.rtx_deadline - Micros(hot.rto_us);
  const uint32_t behind_ms = timestamp_clock(hot.rtx_deadline) - tcb.cold.stalled_at_ms;
  return hot.rtx_deadline - std::chrono::milliseconds(behind_ms);
}

// RFC 5482 §2: one bit says minutes instead of seconds.
Micros seconds_of(uint16_t option) {
  const int64_t value = option & 0x7fff;
  return Micros(1s) * ((option & 0x8000) != 0 ? value * 60 : value);
}

}  // namespace

void note_waiting(Tcb& tcb) {
  if (tcb.cold.stalled_at_ms != 0) return;
  const uint32_t since = timestamp_clock(tcb.hot.rtx_deadline - Micros(tcb.hot.rto_us));
  tcb.cold.stalled_at_ms = std::max<uint32_t>(1, since);
}

Micros user_timeout(const Tcb& tcb, const TcpParams& params) {
  if (tcb.cold.settings->user_timeout) return *tcb.cold.settings->user_timeout;
  const TcbRare* rare = tcb.cold.settings.rare();
  return rare != nullptr ? std::max(params.user_timeout, rare->remote_user_timeout) : params.user_timeout;
}

Instant user_timeout_deadline(const Tcb& tcb, const TcpParams& params) {
  const Micros timeout = user_timeout(tcb, params);
  if (timeout == 0us || tcb.hot.rtx_deadline == kNever) return kNever;
  return tcb.hot.has_flight() || tcb.hot.has_unsent() ? waiting_since(tcb) + timeout : kNever;
}

void on_user_timeout(Tcb& tcb, const Context& context) {
  // RFC 9293 §3.10.8: in silence.
  context.counters.tcp_user_timeouts.add();
  end(tcb, tcb.cold.soft_error == SoftError::None || tcb.cold.soft_error == SoftError::Retransmitting
               ? End::TimedOut
               : End::Unreachable);
}

void adopt_user_timeout(Tcb& tcb, uint16_t option, const Context& context) {
  const TcpParams& params = context.params;
  if (!params.user_timeout_option || option == 0 || option == 0x8000 || tcb.cold.settings->user_timeout)
    return;
  TcbRare* rare = tcb.cold.settings.take(*tcb.cold.memory);
  if (rare == nullptr) return;
  rare->remote_user_timeout =
      std::min(params.user_timeout_option_max,
               std::max({params.user_timeout, seconds_of(option), params.user_timeout_option_min}));
}

}  // namespace millrace::tcp
