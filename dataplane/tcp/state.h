// The states of RFC 9293 §3.3.2, the transitions between them, and the one way to record them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tcp {

enum class State : uint8_t {
  Closed,
  Listen,
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  CloseWait,
  Closing,
  LastAck,
  TimeWait,
};
inline constexpr unsigned kStates = 11;

// "SYN-SENT", as RFC 9293 writes it.
std::string_view name_of(State state);

// Whether RFC 9293 Figure 5 (with §3.10's RST, abort and time-out edges) has this transition.
bool is_legal(State from, State to);

constexpr bool is_synchronized(State state) { return state >= State::Established; }
// The peer's FIN has not come: text may arrive.
constexpr bool can_receive(State state) {
  return state == State::Established || state == State::FinWait1 || state == State::FinWait2;
}
// We may still send (queued) text.
constexpr bool can_send(State state) { return state == State::Established || state == State::CloseWait; }

// The last sixteen states walked, the newest in the low four bits: always on, eight octets a connection.
class Path {
 public:
  constexpr void add(State state) { packed_ = (packed_ << 4) | (static_cast<uint64_t>(state) + 1); }
  std::vector<State> states() const;  // oldest first
  std::string text() const;           // "CLOSED > SYN-SENT > ESTABLISHED"

 private:
  uint64_t packed_ = 0;
};

}  // namespace millrace::tcp
