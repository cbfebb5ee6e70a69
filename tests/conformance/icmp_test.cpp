// What ICMP tells TCP (RFC 9293 §3.9.2.2).
#include "wire/icmp.h"
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class IcmpErrors : public Scene {
 protected:
  // An error about our segment that begins at `seq`.
  void report(uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6, Seq seq) {
    const bool v4 = GetParam() == Family::V4;
    peer().send_error(v4 ? type4 : type6, v4 ? code4 : code6, seq);
  }
  void host_unreachable(Seq seq) { report(3, 1, 1, 3, seq); }
  void port_unreachable(Seq seq) { report(3, 3, 1, 4, seq); }
  void time_exceeded(Seq seq) { report(11, 0, 3, 0, seq); }
  void parameter_problem(Seq seq) { report(12, 0, 4, 0, seq); }
};

// MUST-56.
TEST_P(IcmpErrors, SoftErrors_DoNotAbort) {
  for (const Stage stage : {Stage::SynSent, Stage::EstablishedSending}) {
    Walk& w = at(stage);
    host_unreachable(w.v.snd_una);
    time_exceeded(w.v.snd_una);
    parameter_problem(w.v.snd_una);
    if (GetParam() == Family::V4) {
      peer().send_error(3, 0, w.v.snd_una);
      peer().send_error(3, 5, w.v.snd_una);
      peer().send_error(4, 0, w.v.snd_una);  // MUST-55: source quench
    }
    EXPECT_EQ(peer().state(), state_of(stage));
    EXPECT_TRUE(peer().take().empty());
    EXPECT_EQ(clean_up(w), "");
  }
}

// SHLD-25 by way of the reason at the end.
TEST_P(IcmpErrors, SoftError_IsTheReasonWhenTheOpenFails) {
  Walk& w = at(Stage::SynSent);
  host_unreachable(w.v.snd_una);
  peer().advance(60s);
  EXPECT_EQ(w.app.take_events(), "closed(unreachable)");
}

// SHLD-26, while opening; RFC 5927 §5.2 and a deviation for connections that stand.
TEST_P(IcmpErrors, HardError_EndsAnOpenAndNothingElse) {
  Walk& w = at(Stage::SynSent);
  port_unreachable(w.v.snd_una);
  EXPECT_EQ(w.app.take_events(), "closed(refused)");
  EXPECT_EQ(peer().state(), State::Closed);

  Walk& standing = at(Stage::EstablishedSending);
  port_unreachable(standing.v.snd_una);
  EXPECT_EQ(peer().state(), State::Established);
}

// RFC 5927 §4: the quoted sequence number must be in flight.
TEST_P(IcmpErrors, ErrorAboutWhatIsNotInFlight_IsIgnored) {
  Walk& w = at(Stage::SynSent);
  port_unreachable(w.v.snd_una - 1);
  port_unreachable(w.v.snd_nxt);
  EXPECT_EQ(peer().state(), State::SynSent);
}

MILLRACE_BOTH_FAMILIES(IcmpErrors);

}  // namespace
}  // namespace millrace::conformance
