// What faults decide: by chance at the rates asked for, the same for the same seed, and by script to the
// letter.
#include "sim/faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "frames.h"

namespace millrace::sim::test {
namespace {

const std::vector<uint8_t> kSynFrame = frame_of(segment(wire::kSyn));
const std::vector<uint8_t> kAckFrame = frame_of(segment(wire::kAck, 1, 1));

TEST(Faults, NoRates_NothingHappens) {
  Faults faults({}, 1);
  for (int i = 0; i < 1000; ++i) {
    const FaultDecision decision = faults.decide(kAckFrame);
    EXPECT_FALSE(decision.lose || decision.corrupt || decision.duplicate);
    EXPECT_EQ(decision.extra_delay, 0us);
  }
}

TEST(Faults, Rates_HappenAboutThatOften) {
  Faults faults({.loss_ppm = 100'000,
                 .duplication_ppm = 50'000,
                 .corruption_ppm = 20'000,
                 .reordering_ppm = 200'000,
                 .jitter = 5ms},
                7);
  int lost = 0, duplicated = 0, corrupted = 0, delayed = 0;
  for (int i = 0; i < 20'000; ++i) {
    const FaultDecision decision = faults.decide(kAckFrame);
    lost += decision.lose;
    duplicated += decision.duplicate;
    corrupted += decision.corrupt;
    delayed += decision.extra_delay > 0us;
    EXPECT_LE(decision.extra_delay, 5ms);
    EXPECT_LE(decision.duplicate_delay, 5ms);
  }
  EXPECT_NEAR(lost, 2000, 200);
  EXPECT_NEAR(duplicated, 1000, 150);
  EXPECT_NEAR(corrupted, 400, 100);
  EXPECT_NEAR(delayed, 4000, 300);
}

TEST(Faults, SameSeed_SameDecisions) {
  const FaultRates rates{.loss_ppm = 300'000, .duplication_ppm = 300'000, .corruption_ppm = 300'000};
  Faults one(rates, 42);
  Faults other(rates, 42);
  for (int i = 0; i < 1000; ++i) {
    const FaultDecision a = one.decide(kAckFrame);
    const FaultDecision b = other.decide(kAckFrame);
    EXPECT_EQ(a.lose, b.lose);
    EXPECT_EQ(a.corrupt, b.corrupt);
    EXPECT_EQ(a.duplicate, b.duplicate);
  }
}

TEST(Faults, Corrupt_ChangesOneOctetOrCutsTheEnd_AnywhereInTheFrame) {
  Faults faults({}, 3);
  std::vector<bool> hit(kSynFrame.size());
  bool cut = false;
  for (int i = 0; i < 5000; ++i) {
    std::vector<uint8_t> damaged = kSynFrame;
    faults.corrupt(damaged);
    ASSERT_NE(damaged, kSynFrame);
    if (damaged.size() < kSynFrame.size()) {
      cut = true;
      EXPECT_TRUE(std::equal(damaged.begin(), damaged.end(), kSynFrame.begin()));
      continue;
    }
    size_t changed = 0;
    for (size_t at = 0; at < damaged.size(); ++at) {
      if (damaged[at] == kSynFrame[at]) continue;
      ++changed;
      hit[at] = true;
    }
    EXPECT_EQ(changed, 1U);
  }
  EXPECT_TRUE(cut);
  EXPECT_EQ(std::count(hit.begin(), hit.end(), true), static_cast<long>(hit.size()));
}

TEST(Faults, Script_TakesTheNthMatchAndAsManyAsAsked) {
  Faults faults({}, 1);
  faults.add({.match = is_syn, .action = ScriptedFault::Action::Lose, .nth = 2, .count = 2});
  EXPECT_FALSE(faults.decide(kSynFrame).lose);
  EXPECT_FALSE(faults.decide(kAckFrame).lose);
  EXPECT_FALSE(faults.script_done());
  EXPECT_TRUE(faults.decide(kSynFrame).lose);
  EXPECT_TRUE(faults.decide(kSynFrame).lose);
  EXPECT_TRUE(faults.script_done());
  EXPECT_FALSE(faults.decide(kSynFrame).lose);
}

TEST(Faults, Script_CanDuplicateCorruptAndHold) {
  Faults faults({}, 1);
  faults.add({.match = is_syn, .action = ScriptedFault::Action::Duplicate});
  faults.add({.match = is_syn, .action = ScriptedFault::Action::Corrupt});
  faults.add({.match = is_syn, .action = ScriptedFault::Action::Hold, .hold = 3s});
  const FaultDecision decision = faults.decide(kSynFrame);
  EXPECT_TRUE(decision.duplicate);
  EXPECT_TRUE(decision.corrupt);
  EXPECT_EQ(decision.extra_delay, 3s);
  EXPECT_FALSE(decision.lose);
}

TEST(FrameView, ReadsWhatAnyReceiverWould) {
  const wire::Frame syn = frame_view(kSynFrame);
  EXPECT_TRUE(is_tcp(syn) && is_syn(syn));
  EXPECT_FALSE(is_syn_ack(syn) || is_fin(syn) || is_rst(syn) || has_payload(syn) || is_bare_ack(syn));
  EXPECT_TRUE(is_bare_ack(frame_view(kAckFrame)));
  const auto data = frame_of(segment(wire::kAck | wire::kPsh, 1, 1, 10));
  EXPECT_TRUE(has_payload(frame_view(data)));
  EXPECT_FALSE(is_bare_ack(frame_view(data)));
}

TEST(FrameView, FrameOfNobody_IsDropped) {
  EXPECT_EQ(frame_view({}).kind, wire::FrameKind::Dropped);
  EXPECT_EQ(frame_view(std::vector<uint8_t>(60)).kind, wire::FrameKind::Dropped);
}

}  // namespace
}  // namespace millrace::sim::test
