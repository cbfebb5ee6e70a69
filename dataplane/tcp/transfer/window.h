// The window that we offer (RFC 9293 §3.8.6): its right edge never moves left, and moves right only by steps
// worth telling.
#pragma once

#include <algorithm>

#include "tcp/tcb.h"

namespace millrace::tcp {

// Octets that the receive buffer still takes. What is held out of order lies inside them.
inline Bytes receive_space(const TcbCold& cold) {
  return cold.receive_buffer - std::min(cold.receive_buffer, cold.receive.size());
}

// By how much the right edge could move, within what the header's field can say.
inline Bytes window_gain(const Tcb& tcb) {
  const Bytes sayable = tcb.hot.rcv_scale.bytes(WireWindow(0xffff));
  const Seq edge = tcb.hot.rcv_nxt + std::min(receive_space(tcb.cold), sayable);
  return edge.after(tcb.hot.rcv_adv) ? edge - tcb.hot.rcv_adv : 0;
}

// RFC 9293 §3.8.6.2.2: min(Fr * RCV.BUFF, Eff.snd.MSS), Fr = 1/2.
inline Bytes smallest_step(const Tcb& tcb) {
  return std::min<Bytes>(tcb.cold.receive_buffer / 2, tcb.hot.mss);
}

// Moves the right edge as far as it should and gives the header's field. Rounded up to the scale's unit, so
// that the edge which the peer sees does not move left.
inline WireWindow offer_window(Tcb& tcb) {
  TcbHot& hot = tcb.hot;
  const Bytes gain = window_gain(tcb);
  if (gain >= smallest_step(tcb)) hot.rcv_adv += gain;
  const Bytes unit = Bytes{1} << hot.rcv_scale.shift();
  const WireWindow field = hot.rcv_scale.wire(hot.rcv_wnd() + (unit - 1));
  hot.rcv_adv = hot.rcv_nxt + hot.rcv_scale.bytes(field);
  return field;
}

// The field of a SYN is never scaled (RFC 7323 §2.2).
inline WireWindow offer_syn_window(Tcb& tcb) {
  const Bytes window = std::min<Bytes>(receive_space(tcb.cold), 0xffff);
  tcb.hot.rcv_adv = tcb.hot.rcv_nxt + window;
  return WireWindow(static_cast<uint16_t>(window));
}

}  // namespace millrace::tcp
