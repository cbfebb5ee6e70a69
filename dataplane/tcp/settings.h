// What one connection has otherwise than the shard (base/params.h: ConnectionParams), and the state that only
// few connections need. Both live beside the TCB: a listener's settings are shared read-only by all that it
// accepts; a block of the connection's own is taken from the shard's memory when something is first written
// to it, and goes with the connection.
#pragma once

#include <cstdint>
#include <optional>

#include "base/params.h"
#include "base/seq.h"
#include "base/time.h"

namespace millrace::tcp {

class Memory;

// What a connection knows of its path where ICMP or black holes have told it something (transfer/path_mtu.h).
// MTUs of 0: nothing.
struct PathMtuState {
  uint16_t claimed = 0;     // by an ICMP error that waits for evidence of loss
  Seq claimed_seq;          // of the segment that it quotes
  uint16_t works = 0;       // search_low of RFC 4821 §7.2
  uint16_t fails = 0;       // search_high: the least that is known not to get through, or the interface's + 1
  uint16_t probe = 0;       // in flight
  Seq probe_begin;
  Seq probe_end;
  uint8_t failures = 0;     // of this size, in a row
  Instant search_at{};      // no probe before that
};

// What congestion marks came to (transfer/ecn.h).
struct EcnCounts {
  uint32_t ce_received = 0;      // segments of text with CE
  uint32_t echoes_received = 0;  // acknowledgements with ECE
  uint32_t delivered_ce = 0;     // segments that those acknowledged
  uint32_t reductions = 0;       // of the congestion window
};

// Beside TcbHot and TcbCold: what is rare.
struct TcbRare : ConnectionParams {
  explicit TcbRare(const ConnectionParams& settings) : ConnectionParams(settings) {}

  // transfer/keepalive.h: `probes` have been sent into the silence that began at `silent_since`.
  Instant silent_since{};
  Instant probed_at{};  // the last of them
  uint32_t probes = 0;
  bool probe_due = false;
  // transfer/urgent.cpp: one past the last urgent octet that we send.
  bool sends_urgent = false;
  Seq snd_up;
  // RFC 5482 §3.1: what the peer's option asks for, within our limits; 0: nothing.
  Micros remote_user_timeout{};
  // transfer/path_mtu.h.
  PathMtuState path_mtu;
  // transfer/ecn.h.
  EcnCounts ecn_counts;
  // close/close.h: when what close() has not got through is reset.
  Instant linger_until = kNever;
};
static_assert(sizeof(TcbRare) <= 256);

inline constexpr ConnectionParams kNoSettings{};

// A connection's settings. Reading never fails: what is not set here is as TcpParams says.
class Settings {
 public:
  Settings() : word_(word_of(kNoSettings)) {}
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  const ConnectionParams* operator->() const { return params(); }
  bool any() const { return word_ != word_of(kNoSettings); }
  // The rare state; nullptr: there is none.
  TcbRare* rare() const {
    return owned() ? static_cast<TcbRare*>(const_cast<ConnectionParams*>(params())) : nullptr;
  }
  // The same, taken now if need be; nullptr: the memory's budget is spent.
  TcbRare* take(Memory& memory);
  // Before anything is set: `shared` outlives the connection.
  void share(const ConnectionParams& shared) { word_ = word_of(shared); }
  void give_back(Memory& memory);

 private:
  static constexpr uintptr_t kOwned = 1;
  static uintptr_t word_of(const ConnectionParams& params) { return reinterpret_cast<uintptr_t>(&params); }
  const ConnectionParams* params() const {
    return reinterpret_cast<const ConnectionParams*>(word_ & ~kOwned);
  }
  bool owned() const { return (word_ & kOwned) != 0; }

  uintptr_t word_;  // the address; its lowest bit: the block is the connection's own
};
static_assert(sizeof(Settings) == 8 && alignof(ConnectionParams) > 1);

}  // namespace millrace::tcp
