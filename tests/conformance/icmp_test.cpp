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
  EXPECT_EQ(w.app.take_events(), "error(host_unreachable) closed(unreachable)");
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

// MUST-47: the application is told while the connection lives, and may ask.
TEST_P(IcmpErrors, SoftErrors_AreReported) {
  for (const Stage stage : {Stage::SynSent, Stage::EstablishedSending, Stage::CloseWaitSending}) {
    Walk& w = at(stage);
    EXPECT_EQ(w.app.connection->last_soft_error(), app::SoftError::None);
    host_unreachable(w.v.snd_una);
    EXPECT_EQ(w.app.take_events(), "error(host_unreachable)");
    host_unreachable(w.v.snd_una);
    EXPECT_EQ(w.app.take_events(), "") << "the same again is no news";
    time_exceeded(w.v.snd_una);
    parameter_problem(w.v.snd_una);
    EXPECT_EQ(w.app.take_events(), "error(time_exceeded) error(parameter_problem)");
    EXPECT_EQ(w.app.connection->last_soft_error(), app::SoftError::ParameterProblem);
    EXPECT_EQ(peer().shard().counters().icmp_soft_errors.value(), 4U);
    EXPECT_EQ(clean_up(w), "");
  }
}

// RFC 5927 §5.2: a hard error is a soft one where the connection stands, whatever its state.
TEST_P(IcmpErrors, HardErrors_AreReportedAndEndNothingThatStands) {
  for (const Stage stage : {Stage::EstablishedSending, Stage::FinWait1, Stage::CloseWaitSending,
                            Stage::Closing, Stage::LastAck}) {
    Walk& w = at(stage);
    port_unreachable(w.v.snd_una);
    EXPECT_EQ(w.app.take_events(), "error(port_unreachable)");
    EXPECT_EQ(peer().state(), state_of(stage));
    EXPECT_EQ(clean_up(w), "");
  }
}

TEST_P(IcmpErrors, HardError_EndsASimultaneousOpenAndNoRecord) {
  Walk& w = at(Stage::SynReceived);
  port_unreachable(w.v.snd_una);
  EXPECT_EQ(w.app.take_events(), "closed(refused)");
  Walk& passive = at(Stage::SynReceived, Opening::Passive);
  port_unreachable(passive.v.snd_una);
  EXPECT_EQ(peer().state(), State::SynReceived);
}

// SHLD-20.
TEST_P(IcmpErrors, Reports_CanBeSwitchedOff) {
  Walk& w = at(Stage::EstablishedSending);
  ConnectionParams settings;
  settings.error_reports = false;
  ASSERT_TRUE(w.app.connection->set(settings));
  host_unreachable(w.v.snd_una);
  EXPECT_EQ(w.app.take_events(), "");
  EXPECT_EQ(w.app.connection->last_soft_error(), app::SoftError::HostUnreachable);
}

// A sender of errors who knows the numbers cannot keep the application busy.
TEST_P(IcmpErrors, Reports_AreLimited) {
  Walk& w = at(Stage::EstablishedSending);
  for (int i = 0; i < 200; ++i) {
    host_unreachable(w.v.snd_una);
    time_exceeded(w.v.snd_una);
  }
  EXPECT_LE(w.app.events.size(), 10U);
  EXPECT_GE(w.app.events.size(), 5U);
  w.app.take_events();
}

// Progress shows that the trouble is over.
TEST_P(IcmpErrors, SoftError_IsForgottenWithProgress) {
  Walk& w = at(Stage::EstablishedSending);
  host_unreachable(w.v.snd_una);
  w.app.take_events();
  peer().take();
  w.acknowledge();
  EXPECT_EQ(w.app.connection->last_soft_error(), app::SoftError::None);
  w.send_text(10);
  peer().advance(100s);
  EXPECT_TRUE(w.app.take_events().ends_with("closed(timed out)"));
}

// The quoted packet is whatever the sender likes: cut off at every octet, and with each octet changed.
TEST_P(IcmpErrors, HostileQuotes_DoNoHarm) {
  Walk& w = at(Stage::EstablishedSending);
  const uint8_t type = GetParam() == Family::V4 ? 3 : 1;
  const std::vector<uint8_t> quote = peer().quote_of(w.v.snd_una);
  for (size_t length = 0; length < quote.size(); ++length)
    peer().send_error_about(type, 4, {quote.begin(), quote.begin() + static_cast<ptrdiff_t>(length)});
  for (size_t at_octet = 0; at_octet < quote.size(); ++at_octet)
    for (const int change : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> wrong = quote;
      wrong[at_octet] = static_cast<uint8_t>(wrong[at_octet] ^ change);
      peer().send_error_about(type, 3, wrong);
    }
  EXPECT_EQ(peer().state(), State::Established);
  w.app.take_events();
  peer().take();
  w.acknowledge();
  EXPECT_EQ(peer().state(), State::Established);
}

MILLRACE_BOTH_FAMILIES(IcmpErrors);

}  // namespace
}  // namespace millrace::conformance
