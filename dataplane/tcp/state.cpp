#include "tcp/state.h"

#include <algorithm>
#include <array>

namespace millrace::tcp {

namespace {

constexpr std::array<std::string_view, kStates> kNames = {
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};

constexpr uint16_t bit(State state) { return static_cast<uint16_t>(1U << static_cast<unsigned>(state)); }

template <typename... States>
constexpr uint16_t to(States... states) {
  return static_cast<uint16_t>((0 | ... | bit(states)));
}

// RFC 9293 Figure 5. Every state but LISTEN may fall to CLOSED by RST, abort or time-out.
constexpr std::array<uint16_t, kStates> kLegal = [] {
  using enum State;
  std::array<uint16_t, kStates> legal{};
  const auto from = [&](State state) -> uint16_t& { return legal[static_cast<size_t>(state)]; };
  from(Closed) = to(Listen, SynSent, SynReceived);  // SYN-RECEIVED: a record of one line becomes a TCB
  from(Listen) = to(SynReceived, SynSent, Closed);
  from(SynSent) = to(Established, SynReceived, Closed);
  // FIN in SYN-RECEIVED leads on after ESTABLISHED (§3.10.7.4); close() in it leads to FIN-WAIT-1 (§3.10.4).
  from(SynReceived) = to(Established, FinWait1, Listen, Closed);
  from(Established) = to(FinWait1, CloseWait, Closed);
  from(FinWait1) = to(FinWait2, Closing, TimeWait, Closed);
  from(FinWait2) = to(TimeWait, Closed);
  from(CloseWait) = to(LastAck, Closed);
  from(Closing) = to(TimeWait, Closed);
  from(LastAck) = to(Closed);
  from(TimeWait) = to(Closed);
  return legal;
}();

}  // namespace

std::string_view name_of(State state) { return kNames[static_cast<size_t>(state)]; }

bool is_legal(State from, State to) { return (kLegal[static_cast<size_t>(from)] & bit(to)) != 0; }

std::vector<State> Path::states() const {
  std::vector<State> out;
  for (uint64_t rest = packed_; rest != 0; rest >>= 4) out.push_back(static_cast<State>((rest & 15) - 1));
  std::reverse(out.begin(), out.end());
  return out;
}

std::string Path::text() const {
  std::string out;
  for (const State state : states()) {
    if (!out.empty()) out += " > ";
    out += name_of(state);
  }
  return out;
}

}  // namespace millrace::tcp
