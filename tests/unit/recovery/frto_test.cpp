// F-RTO (RFC 5682 §2.1 and §3.1).
#include "recovery/frto.h"

#include <gtest/gtest.h>

namespace millrace::recovery {
namespace {

using Verdict = Frto::Verdict;
constexpr Frto::Told kAdvance{.advances = true, .can_send_new = true};
constexpr Frto::Told kOriginals{.advances = true, .original = true, .can_send_new = true};
constexpr Frto::Told kDuplicate{.can_send_new = true};

Frto after_timeout() {
  Frto frto;
  frto.begin();
  return frto;
}

TEST(Frto, TwoAcksThatAdvanceOverOriginals_TheTimeoutWasSpurious) {
  Frto frto = after_timeout();
  EXPECT_EQ(frto.on_ack(kAdvance), Verdict::Undecided);
  EXPECT_TRUE(frto.active());
  EXPECT_EQ(frto.on_ack(kOriginals), Verdict::Spurious);
  EXPECT_FALSE(frto.active());
}

TEST(Frto, ADuplicateFirst_IsALoss) {
  Frto frto = after_timeout();
  EXPECT_EQ(frto.on_ack(kDuplicate), Verdict::Conventional);
}

TEST(Frto, ADuplicateSecond_IsALoss) {
  Frto frto = after_timeout();
  frto.on_ack(kAdvance);
  EXPECT_EQ(frto.on_ack(kDuplicate), Verdict::Conventional);
}

// RFC 5682 §3.1 step 3: originals may be told by SACK while SND.UNA stands still.
TEST(Frto, OriginalsToldBySackSecond_TheTimeoutWasSpurious) {
  Frto frto = after_timeout();
  frto.on_ack(kAdvance);
  EXPECT_EQ(frto.on_ack({.original = true}), Verdict::Spurious);
}

TEST(Frto, EverythingAcknowledgedAtOnce_SaysNothing) {
  Frto frto = after_timeout();
  EXPECT_EQ(frto.on_ack({.advances = true, .original = true, .all = true, .can_send_new = true}),
            Verdict::Conventional);
}

TEST(Frto, WithNothingNewToSend_TheConventionalWayIsTaken) {
  Frto frto = after_timeout();
  EXPECT_EQ(frto.on_ack({.advances = true}), Verdict::Conventional);
}

}  // namespace
}  // namespace millrace::recovery
