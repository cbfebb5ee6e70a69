#include "tcp/state.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tcp/tcb.h"

namespace millrace::tcp {
namespace {

using enum State;

// RFC 9293 Figure 5, the edges of §3.10 for RST, ABORT and time-out (to CLOSED), and the passive record that
// becomes a TCB (CLOSED to SYN-RECEIVED): written out by hand.
const std::set<std::pair<State, State>> kEdges = {
    {Closed, Listen},      {Closed, SynSent},          {Closed, SynReceived},    {Listen, SynReceived},
    {Listen, SynSent},     {Listen, Closed},           {SynSent, SynReceived},   {SynSent, Established},
    {SynSent, Closed},     {SynReceived, Established}, {SynReceived, FinWait1},  {SynReceived, Listen},
    {SynReceived, Closed}, {Established, FinWait1},    {Established, CloseWait}, {Established, Closed},
    {FinWait1, FinWait2},  {FinWait1, Closing},        {FinWait1, TimeWait},     {FinWait1, Closed},
    {FinWait2, TimeWait},  {FinWait2, Closed},         {CloseWait, LastAck},     {CloseWait, Closed},
    {Closing, TimeWait},   {Closing, Closed},          {LastAck, Closed},        {TimeWait, Closed}};

TEST(State, TheTable_IsTheDiagramOfTheRfc) {
  for (unsigned from = 0; from < kStates; ++from)
    for (unsigned to = 0; to < kStates; ++to) {
      const std::pair edge(static_cast<State>(from), static_cast<State>(to));
      EXPECT_EQ(is_legal(edge.first, edge.second), kEdges.contains(edge))
          << name_of(edge.first) << " -> " << name_of(edge.second);
    }
}

TEST(State, Path_RemembersTheLastSixteen) {
  Path path;
  for (int i = 0; i < 20; ++i) path.add(i % 2 == 0 ? Established : CloseWait);
  const auto states = path.states();
  ASSERT_EQ(states.size(), 16U);
  EXPECT_EQ(states.back(), CloseWait);
  EXPECT_EQ(states.front(), Established);
}

TEST(State, Path_ReadsAsTheRfcWrites) {
  Path path;
  path.add(Closed);
  path.add(SynSent);
  path.add(Established);
  EXPECT_EQ(path.text(), "CLOSED > SYN-SENT > ESTABLISHED");
}

#ifdef MILLRACE_CHECKS
TEST(StateDeathTest, AnIllegalTransition_AbortsWhereChecksAreOn) {
  Memory memory(1 << 16, 0);
  Tcb tcb(memory);
  EXPECT_DEATH(enter(tcb, TimeWait), "broken invariant");
}
#else
TEST(State, AnIllegalTransition_EndsThatConnectionAlone) {
  Memory memory(1 << 16, 0);
  Tcb tcb(memory);
  EXPECT_FALSE(enter(tcb, TimeWait));
  EXPECT_EQ(tcb.hot.state(), Closed);
  EXPECT_EQ(tcb.cold.end, End::Internal);
  EXPECT_NE(tcb.hot.events & Event::kClosed, 0);
}
#endif

}  // namespace
}  // namespace millrace::tcp
