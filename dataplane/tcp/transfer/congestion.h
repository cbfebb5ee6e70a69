// What a connection tells its congestion controller (cc/controller.h) beside losses, and how it gets one.
// Neighbours: ack.h and loss_recovery.h, which call it.
#pragma once

#include "cc/bbr.h"
#include "tcp/context.h"
#include "tcp/tcb.h"

namespace millrace::tcp {

// What the connection or its listener has chosen, else the shard.
inline cc::Algorithm chosen_congestion_control(const Tcb& tcb, const TcpParams& params) {
  return setting(tcb, &ConnectionParams::congestion_control, params.congestion_control);
}

// ESTABLISHED, or soon: the initial window of `segments`. An algorithm for whose model there is no memory gives way
// to CUBIC, here and below.
void open_congestion_control(Tcb& tcb, const TcpParams& params, uint32_t segments);
// Another algorithm for a connection that is under way: the window stays.
[[gnu::cold]] void choose_congestion_control(Tcb& tcb, cc::Algorithm algorithm, const TcpParams& params);
// Gives back what it holds, with the connection.
void close_congestion_control(Tcb& tcb);

// Octets that left at `sent_at` have arrived.
inline void note_arrival(Tcb& tcb, Instant sent_at, Bytes octets, Instant now) {
  if (!tcb.hot.flags.paced) return;  // no model without a pace
  if (cc::Bbr* model = tcb.cold.cc.model(); model != nullptr) model->on_arrival(sent_at, octets, now);
}
// There is nothing to send that would fill a segment: what is delivered next says nothing of the path.
void note_out_of_data(Tcb& tcb);

// The flight of `before` octets was short of the window because nothing more was to be sent, or the peer's window
// took no more (RFC 9438 §5.8). In slow start half a window is in use enough, for that is what it was a round
// trip ago (RFC 7661 §4.1).
inline bool is_app_limited(const Tcb& tcb, Bytes before) {
  const TcbHot& hot = tcb.hot;
  if (before + hot.mss >= hot.cwnd) return false;
  const bool all_sent = hot.snd_nxt.after_or_at(hot.snd_end);
  if (!all_sent && !(hot.snd_nxt + hot.mss).after(hot.snd_una + hot.snd_wnd)) return false;
  return !tcb.cold.cc.slow_start() || 2 * before < hot.cwnd;
}

}  // namespace millrace::tcp
