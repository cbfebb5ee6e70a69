#include <gtest/gtest.h>

#include "tcp/transfer/ecn.h"

namespace millrace::tcp {
namespace {

// Both sides have sent and received an ECN-setup SYN or SYN-ACK.
Ecn agreed() {
  Ecn ecn;
  ecn.sent(true);
  ecn.heard(true);
  return ecn;
}

wire::Segment with(int flags, uint8_t codepoint = wire::kNotEct) {
  wire::Segment segment;
  segment.flags = wire::Flags(flags);
  segment.ecn = codepoint;
  return segment;
}

constexpr int kSyn = wire::Flags::kSyn, kAck = wire::Flags::kAck, kEce = wire::Flags::kEce, kCwr = wire::Flags::kCwr;

// RFC 3168 §6.1.1.
TEST(Ecn, SetupSyn_HasBothBitsAndNoCodepoint) {
  EXPECT_TRUE(is_ecn_setup_syn(with(kSyn | kEce | kCwr)));
  EXPECT_FALSE(is_ecn_setup_syn(with(kSyn | kEce)));
  EXPECT_FALSE(is_ecn_setup_syn(with(kSyn | kCwr)));
  EXPECT_FALSE(is_ecn_setup_syn(with(kSyn)));
  EXPECT_FALSE(is_ecn_setup_syn(with(kSyn | kEce | kCwr, wire::kEct0)));
}

TEST(Ecn, SetupSynAck_HasEceAlone) {
  EXPECT_TRUE(is_ecn_setup_syn_ack(with(kSyn | kAck | kEce)));
  EXPECT_FALSE(is_ecn_setup_syn_ack(with(kSyn | kAck | kEce | kCwr)));
  EXPECT_FALSE(is_ecn_setup_syn_ack(with(kSyn | kAck | kCwr)));
  EXPECT_FALSE(is_ecn_setup_syn_ack(with(kSyn | kAck)));
}

// All that two SYNs of each side can have said. ECT: both have said yes and nobody no; CE is echoed also after we
// have said no later, for the peer may not know.
TEST(Ecn, TakesPartByWhatTheSynsHaveSaid) {
  for (unsigned said = 0; said < 16; ++said) {
    Ecn ecn;
    if ((said & 1) != 0) ecn.sent(true);
    if ((said & 2) != 0) ecn.sent(false);
    if ((said & 4) != 0) ecn.heard(true);
    if ((said & 8) != 0) ecn.heard(false);
    EXPECT_EQ(ecn.sends_ect(), said == 5) << said;
    EXPECT_EQ(ecn.echoes(), said == 5 || said == 7) << said;
  }
}

TEST(Ecn, WithoutAgreement_EverythingIsOrdinary) {
  Ecn ecn;
  for (const uint8_t codepoint : {wire::kNotEct, wire::kEct0, wire::kEct1, wire::kCe})
    EXPECT_TRUE(ecn.is_ordinary(codepoint));
  EXPECT_FALSE(ecn.ect_seen());
}

TEST(Ecn, Ect_IsOrdinaryOnceItHasBeenSeen_CeNever) {
  Ecn ecn = agreed();
  EXPECT_TRUE(ecn.is_ordinary(wire::kNotEct));
  EXPECT_FALSE(ecn.is_ordinary(wire::kEct0));
  EXPECT_FALSE(ecn.on_text(wire::kEct0, false));
  EXPECT_TRUE(ecn.ect_seen());
  EXPECT_TRUE(ecn.is_ordinary(wire::kEct0));
  EXPECT_TRUE(ecn.is_ordinary(wire::kEct1));
  EXPECT_FALSE(ecn.is_ordinary(wire::kCe));
}

// RFC 3168 §6.1.3.
TEST(Ecn, Echo_FromCeToTheCwrThatAnswersIt) {
  Ecn ecn = agreed();
  EXPECT_TRUE(ecn.on_text(wire::kCe, false)) << "at once";
  EXPECT_TRUE(ecn.echo());
  ecn.on_text(wire::kEct0, true);
  EXPECT_TRUE(ecn.echo()) << "no ECE has left: that CWR answers none";
  ecn.echoed();
  EXPECT_FALSE(ecn.on_text(wire::kCe, false)) << "it is echoed anyhow";
  EXPECT_TRUE(ecn.on_text(wire::kEct0, true)) << "at once";
  EXPECT_FALSE(ecn.echo());
  EXPECT_TRUE(ecn.on_text(wire::kCe, true));
  EXPECT_TRUE(ecn.echo());
}

// RFC 3168 §6.1.2.
TEST(Ecn, Cwr_OnceAReduction) {
  Ecn ecn = agreed();
  wire::Segment segment;
  ecn.mark(segment);
  EXPECT_EQ(segment.ecn, wire::kEct0);
  EXPECT_EQ(segment.flags, wire::Flags());
  ecn.reduced();
  ecn.reduced();
  ecn.mark(segment);
  EXPECT_EQ(segment.flags, wire::kCwr);
  wire::Segment next;
  ecn.mark(next);
  EXPECT_EQ(next.flags, wire::Flags());
  ecn.reduced();
  ecn.reduction_undone();
  ecn.mark(next);
  EXPECT_EQ(next.flags, wire::Flags());
}

TEST(Ecn, Cwr_IsNotOwedToAPeerWithoutEcn) {
  Ecn ecn;
  ecn.sent(false);
  ecn.heard(false);
  ecn.reduced();
  wire::Segment segment;
  ecn.mark(segment);
  EXPECT_EQ(segment.flags, wire::Flags());
}

}  // namespace
}  // namespace millrace::tcp
