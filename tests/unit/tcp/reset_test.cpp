#include "tcp/close/reset.h"

#include <gtest/gtest.h>

namespace millrace::tcp {
namespace {

wire::Segment segment(wire::Flags flags, uint32_t payload) {
  wire::Segment out;
  out.seq = Seq(1000);
  out.ack = Seq(5000);
  out.flags = flags;
  out.payload_length = payload;
  return out;
}

// RFC 9293 §3.10.7.1.
TEST(Reset, ToASegmentWithAck_TakesItsAcknowledgement) {
  wire::Segment reset;
  ASSERT_TRUE(reset_for(segment(wire::kAck, 10), reset));
  EXPECT_EQ(reset.seq, Seq(5000));
  EXPECT_EQ(reset.flags, wire::kRst);
  EXPECT_EQ(reset.window, WireWindow(0));
}

TEST(Reset, ToASegmentWithoutAck_AcknowledgesAllOfIt) {
  wire::Segment reset;
  ASSERT_TRUE(reset_for(segment(wire::kSyn, 10), reset));
  EXPECT_EQ(reset.seq, Seq(0));
  EXPECT_EQ(reset.ack, Seq(1011));
  EXPECT_EQ(reset.flags, wire::kRst | wire::kAck);
}

TEST(Reset, ToAReset_IsNone) {
  wire::Segment reset;
  EXPECT_FALSE(reset_for(segment(wire::kRst, 0), reset));
  EXPECT_FALSE(reset_for(segment(wire::kRst | wire::kAck, 0), reset));
}

}  // namespace
}  // namespace millrace::tcp
