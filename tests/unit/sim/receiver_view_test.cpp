// What has arrived, by sequence numbers: which retransmissions brought nothing.
#include "sim/receiver_view.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/entropy.h"
#include "frames.h"

namespace millrace::sim::test {
namespace {

TEST(Arrived, Gaps_AreFilledInAnyOrder) {
  Arrived octets;
  EXPECT_FALSE(octets.add(10, 20));
  EXPECT_FALSE(octets.add(30, 40));
  EXPECT_EQ(octets.in_order(), 0U);
  EXPECT_TRUE(octets.add(12, 18));
  EXPECT_FALSE(octets.add(15, 35)) << "20 to 30 are new";
  EXPECT_TRUE(octets.add(10, 40));
  EXPECT_FALSE(octets.add(0, 10));
  EXPECT_EQ(octets.in_order(), 40U);
  EXPECT_TRUE(octets.add(0, 40));
  EXPECT_TRUE(octets.add(39, 40));
  EXPECT_FALSE(octets.add(39, 41));
  EXPECT_EQ(octets.in_order(), 41U);
}

TEST(Arrived, AgreesWithASetOfOctets) {
  SeededEntropy entropy(7);
  for (int round = 0; round < 200; ++round) {
    constexpr uint64_t kOctets = 64;
    std::vector<bool> there(kOctets);
    Arrived octets;
    for (int i = 0; i < 40; ++i) {
      const uint64_t begin = entropy.next() % kOctets;
      const uint64_t end = begin + 1 + entropy.next() % std::min<uint64_t>(12, kOctets - begin);
      bool all = true;
      for (uint64_t at = begin; at < end; ++at) {
        all = all && there[at];
        there[at] = true;
      }
      ASSERT_EQ(octets.add(begin, end), all) << begin << " to " << end;
      uint64_t prefix = 0;
      while (prefix < kOctets && there[prefix]) ++prefix;
      ASSERT_EQ(octets.in_order(), prefix);
    }
  }
}

TEST(ReceiverView, FirstSegmentLost_ItsRetransmissionIsNotSpurious) {
  ReceiverView view;
  EXPECT_FALSE(view.sent(Seq(1000), 100));
  EXPECT_FALSE(view.sent(Seq(1100), 100));
  EXPECT_FALSE(view.arrived(Seq(1100), 100));
  EXPECT_TRUE(view.sent(Seq(1000), 100));
  EXPECT_FALSE(view.arrived(Seq(1000), 100));
  EXPECT_TRUE(view.sent(Seq(1100), 100));
  EXPECT_TRUE(view.arrived(Seq(1100), 100)) << "it had arrived";
}

TEST(ReceiverView, OriginalAfterItsRetransmission_IsTheOneThatBringsNothing) {
  ReceiverView view;
  view.sent(Seq(0), 100);
  view.sent(Seq(0), 100);
  EXPECT_FALSE(view.arrived(Seq(0), 100));
  EXPECT_TRUE(view.arrived(Seq(0), 100));
}

TEST(ReceiverView, SequenceNumbersWrapAround) {
  ReceiverView view;
  Seq seq(0xffff'ff00);
  for (int i = 0; i < 50'000; ++i, seq += 100'000) {  // 5 * 10^9 octets
    ASSERT_FALSE(view.sent(seq, 100'000));
    ASSERT_FALSE(view.arrived(seq, 100'000));
  }
  EXPECT_TRUE(view.sent(seq - 200'000, 100'000));
  EXPECT_TRUE(view.arrived(seq - 200'000, 100'000));
}

TEST(FlowViews, FlowsAreToldApart_AndBareAcknowledgementsAreNone) {
  FlowViews views;
  wire::Segment one = segment(wire::kAck, 100, 1, 10), other = one;
  other.flow.local.port = 50001;
  EXPECT_TRUE(views.departed(frame_of(one)));
  EXPECT_TRUE(views.departed(frame_of(other)));
  EXPECT_FALSE(views.departed(frame_of(segment(wire::kAck, 100, 1, 0))));
  EXPECT_EQ(views.counts().retransmitted, 0U);
  EXPECT_TRUE(views.departed(frame_of(one)));
  for (const wire::Segment& which : {one, other, one}) views.arrived(frame_of(which));
  EXPECT_EQ(views.counts().sent, 3U);
  EXPECT_EQ(views.counts().retransmitted, 1U);
  EXPECT_EQ(views.counts().arrived, 3U);
  EXPECT_EQ(views.counts().spurious, 1U);
}

TEST(FlowViews, MoreFlowsThanTheBound_AreNotWatched) {
  FlowViews views;
  for (uint16_t i = 0; i < FlowViews::kMost; ++i) {
    wire::Segment one = segment(wire::kAck, 100, 1, 10);
    one.flow.local.port = static_cast<uint16_t>(1000 + i);
    EXPECT_TRUE(views.departed(frame_of(one)));
  }
  EXPECT_FALSE(views.departed(frame_of(segment(wire::kAck, 100, 1, 10))));
}

}  // namespace
}  // namespace millrace::sim::test
