// How the receive buffer grows: by the octets that the application takes in a round trip (dynamic right-sizing,
// Fisk and Feng 2001), up to a limit, while payload memory lasts. It never becomes smaller, so that the window
// never has to (RFC 9293 §3.8.6, SHLD-14). Neighbours: window.h, which offers what there is.
#pragma once

#include <cstdint>

#include "tcp/tcb.h"

namespace millrace::tcp {

// One round, which lasts a round trip or until the application takes something next.
struct ReceiveTuning {
  Seq from;               // one past the last octet that had been taken when it began
  uint32_t began_us = 0;  // modulo 2^32
  Bytes before = 0;       // octets of the round before; 0: there was none
  bool running = false;
};

// Whether there is anything to be found out at all.
inline bool may_grow_receive_buffer(const Tcb& tcb) {
  return tcb.cold.receive_buffer < tcb.cold.memory->limits().receive && !tcb.cold.receive_buffer_set;
}

// A round trip as this end knows it: the handshake's, and that of whatever it has sent itself.
inline Micros tuning_round(const Tcb& tcb) {
  constexpr Micros kLeast = 1ms, kUnknown = 100ms;
  return tcb.cold.rtt.has_sample() ? std::max(kLeast, tcb.cold.rtt.srtt()) : kUnknown;
}

[[gnu::cold]] void end_round(Tcb& tcb, ReceiveTuning& tuning, Instant now);

// The application has taken octets off the front of the queue.
inline void on_consumed(Tcb& tcb, ReceiveTuning& tuning, Instant now) {
  const auto elapsed = static_cast<uint32_t>(now.time_since_epoch().count()) - tuning.began_us;
  if (tuning.running && elapsed < tuning_round(tcb).count()) return;
  end_round(tcb, tuning, now);
}

}  // namespace millrace::tcp
