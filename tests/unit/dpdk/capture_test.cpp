// A lane from both ends: what an lcore copies is what the reader finds, and what has no room is counted. The
// mbufs are made by hand: no pool is needed.
#include "dpdk/capture.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "wire/checksum.h"

namespace millrace::dpdk {
namespace {

constexpr size_t kRoom = 256 << 10;
using Frame = CaptureLane::Frame;

struct HandMade {
  explicit HandMade(size_t length, uint8_t first = 0) : octets(length) {
    for (size_t i = 0; i < length; ++i) octets[i] = static_cast<uint8_t>(first + i);
    mbuf.buf_addr = octets.data();
    mbuf.pkt_len = static_cast<uint32_t>(length);
    mbuf.data_len = static_cast<uint16_t>(length);
    mbuf.nb_segs = 1;
  }
  HandMade(const HandMade&) = delete;

  std::vector<uint8_t> octets;
  const std::unique_ptr<rte_mbuf> made = std::make_unique<rte_mbuf>();
  rte_mbuf& mbuf = *made;
};

void take(CaptureLane& lane, HandMade& frame, CaptureDirection direction = CaptureDirection::In) {
  rte_mbuf* const burst[] = {&frame.mbuf};
  lane.take(burst, direction);
}

std::vector<uint8_t> octets_of(const Frame& frame) { return {frame.octets.begin(), frame.octets.end()}; }

TEST(CaptureLane, Frames_ComeOutAsTheyWentIn) {
  CaptureLane lane({}, kRoom);
  Frame found;
  EXPECT_FALSE(lane.front(found));
  HandMade first(60, 1), second(1514, 2);
  take(lane, first);
  take(lane, second, CaptureDirection::Out);
  ASSERT_TRUE(lane.front(found));
  EXPECT_EQ(octets_of(found), first.octets);
  EXPECT_EQ(found.length, 60U);
  EXPECT_EQ(found.direction, CaptureDirection::In);
  const int64_t time = found.time;
  EXPECT_GT(time, 0);
  lane.pop();
  ASSERT_TRUE(lane.front(found));
  EXPECT_EQ(octets_of(found), second.octets);
  EXPECT_EQ(found.direction, CaptureDirection::Out);
  EXPECT_GE(found.time, time);
  lane.pop();
  EXPECT_FALSE(lane.front(found));
  lane.pop();  // nothing happens
  EXPECT_EQ(lane.dropped(), 0U);
}

TEST(CaptureLane, LongFrame_IsCutAtTheSnapLength_AndItsLengthIsKept) {
  CaptureLane lane({.filter = {}, .snap_length = 96}, kRoom);
  HandMade frame(1514);
  take(lane, frame);
  Frame found;
  ASSERT_TRUE(lane.front(found));
  EXPECT_EQ(found.length, 1514U);
  EXPECT_EQ(octets_of(found), std::vector<uint8_t>(frame.octets.begin(), frame.octets.begin() + 96));
}

TEST(CaptureLane, OneDirection_LeavesTheOtherOut) {
  CaptureLane lane({.filter = {}, .snap_length = 65535, .in = false, .out = true}, kRoom);
  HandMade in(60, 1), out(60, 2);
  take(lane, in);
  take(lane, out, CaptureDirection::Out);
  Frame found;
  ASSERT_TRUE(lane.front(found));
  EXPECT_EQ(octets_of(found), out.octets);
  lane.pop();
  EXPECT_FALSE(lane.front(found));
}

TEST(CaptureLane, Filter_TakesWhatItWantsOfABurst) {
  // ldb [0]; jeq #7, accept, refuse
  auto filter = CaptureFilter::parse("4,48 0 0 0,21 0 1 7,6 0 0 65535,6 0 0 0");
  ASSERT_TRUE(filter) << filter.failure().text;
  CaptureLane lane({.filter = *filter}, kRoom);
  HandMade six(60, 6), seven(60, 7), eight(60, 8);
  rte_mbuf* const burst[] = {&six.mbuf, &seven.mbuf, &eight.mbuf};
  lane.take(burst, CaptureDirection::In);
  Frame found;
  ASSERT_TRUE(lane.front(found));
  EXPECT_EQ(octets_of(found), seven.octets);
  lane.pop();
  EXPECT_FALSE(lane.front(found));
}

TEST(CaptureLane, Chain_IsCopiedWhole) {
  HandMade head(100, 1), tail(50, 200);
  head.mbuf.next = &tail.mbuf;
  head.mbuf.nb_segs = 2;
  head.mbuf.pkt_len = 150;
  CaptureLane lane({}, kRoom);
  take(lane, head);
  Frame found;
  ASSERT_TRUE(lane.front(found));
  std::vector<uint8_t> whole = head.octets;
  whole.insert(whole.end(), tail.octets.begin(), tail.octets.end());
  EXPECT_EQ(octets_of(found), whole);
}

TEST(CaptureLane, Full_CountsAndKeepsTheOldest_AndTakesAgain) {
  CaptureLane lane({}, kRoom);
  HandMade frame(1000);
  constexpr int kMore = 1000;  // frames of 1024 octets with their record: 256 have room
  for (int i = 0; i < kMore; ++i) {
    frame.octets[0] = static_cast<uint8_t>(i);
    take(lane, frame);
  }
  EXPECT_EQ(lane.dropped(), 744U);
  Frame found;
  for (int i = 0; i < 256; ++i) {
    ASSERT_TRUE(lane.front(found)) << i;
    EXPECT_EQ(found.octets[0], static_cast<uint8_t>(i));
    lane.pop();
  }
  EXPECT_FALSE(lane.front(found));
  take(lane, frame);
  EXPECT_TRUE(lane.front(found));
  EXPECT_EQ(lane.dropped(), 744U);
}

// Sizes that leave every remainder at the lane's end, over many turns of it.
TEST(CaptureLane, EverySize_SurvivesTheEndOfTheLane) {
  CaptureLane lane({}, kRoom);
  uint32_t size = 1;
  for (int i = 0; i < 20'000; ++i) {
    HandMade frame(size, static_cast<uint8_t>(i));
    take(lane, frame);
    Frame found;
    ASSERT_TRUE(lane.front(found)) << i;
    ASSERT_EQ(octets_of(found), frame.octets) << i;
    lane.pop();
    size = size * 7 % 9001 + 1;
  }
  HandMade largest(65535);
  for (int i = 0; i < 20; ++i) {
    take(lane, largest);
    Frame found;
    ASSERT_TRUE(lane.front(found));
    ASSERT_EQ(octets_of(found), largest.octets);
    lane.pop();
  }
  EXPECT_EQ(lane.dropped(), 0U);
}

TEST(CaptureLane, WriterAndReader_AtOnce_LoseNothingButWhatIsCounted) {
  CaptureLane lane({}, kRoom);
  constexpr uint32_t kFrames = 200'000;
  std::atomic<bool> done{false};
  std::thread lcore([&] {
    HandMade frame(1500);
    for (uint32_t i = 0; i < kFrames; ++i) {
      std::memcpy(frame.octets.data(), &i, sizeof i);
      frame.octets[60 + i % 1440 - 1] = static_cast<uint8_t>(i);
      frame.mbuf.data_len = static_cast<uint16_t>(60 + i % 1440);
      frame.mbuf.pkt_len = frame.mbuf.data_len;
      take(lane, frame);
    }
    done = true;
  });
  uint32_t seen = 0, last = 0, wrong = 0;
  Frame found;
  while (!done || lane.front(found)) {
    if (!lane.front(found)) {
      std::this_thread::yield();
      continue;
    }
    uint32_t number = 0;
    std::memcpy(&number, found.octets.data(), sizeof number);
    wrong += seen != 0 && number <= last ? 1U : 0U;
    wrong += found.octets.size() != 60 + number % 1440 || found.octets.back() != static_cast<uint8_t>(number)
                 ? 1U
                 : 0U;
    last = number;
    ++seen;
    lane.pop();
  }
  lcore.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(seen + lane.dropped(), kFrames);
}

// ---- checksums that the device finishes

struct Segment {
  static constexpr size_t kIp = 14, kTcp = 34, kLength = 34 + 20 + 33;

  explicit Segment(size_t link = kIp) : frame(kLength + link - kIp, 1), tcp(kTcp + link - kIp) {
    set16(0);
    pseudo.add_field(6).add_field(static_cast<uint16_t>(frame.octets.size() - tcp));
    set16(pseudo.folded());
    frame.mbuf.l2_len = link;
    frame.mbuf.l3_len = 20;
    frame.mbuf.ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
  }
  void set16(uint16_t value) {
    frame.octets[tcp + 16] = static_cast<uint8_t>(value >> 8);
    frame.octets[tcp + 17] = static_cast<uint8_t>(value);
  }

  HandMade frame;
  size_t tcp;
  wire::Sum pseudo = wire::Sum(0x1234);  // of addresses
};

TEST(CaptureLane, ChecksumThatTheDeviceFinishes_IsRightInTheCopyAlone) {
  for (const size_t link : {size_t{14}, size_t{18}}) {  // with a tag of IEEE 802.1Q
    CaptureLane lane({}, kRoom);
    Segment segment(link);
    const std::vector<uint8_t> before = segment.frame.octets;
    take(lane, segment.frame, CaptureDirection::Out);
    EXPECT_EQ(segment.frame.octets, before);
    Frame found;
    ASSERT_TRUE(lane.front(found));
    const wire::Sum all =
        segment.pseudo + wire::sum_of(found.octets.data() + segment.tcp, found.octets.size() - segment.tcp);
    EXPECT_EQ(all.checksum(), 0);
  }
}

TEST(CaptureLane, ChecksumInAFrameThatIsCut_CoversAllOfIt) {
  Segment segment;
  CaptureLane whole({}, kRoom), cut({.filter = {}, .snap_length = 54}, kRoom),
      short_of_it({.filter = {}, .snap_length = 51}, kRoom);
  Frame found, found_cut, found_short;
  for (CaptureLane* lane : {&whole, &cut, &short_of_it}) take(*lane, segment.frame, CaptureDirection::Out);
  ASSERT_TRUE(whole.front(found) && cut.front(found_cut) && short_of_it.front(found_short));
  EXPECT_EQ(found_cut.octets[50], found.octets[50]);
  EXPECT_EQ(found_cut.octets[51], found.octets[51]);
  EXPECT_EQ(found_short.octets[50], segment.frame.octets[50]);
}

TEST(CaptureLane, OtherFrames_KeepTheChecksumThatTheyHave) {
  Segment done;
  done.frame.mbuf.ol_flags = 0;
  CaptureLane lane({}, kRoom);
  take(lane, done.frame, CaptureDirection::Out);
  Segment received;
  take(lane, received.frame, CaptureDirection::In);
  Frame found;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(lane.front(found));
    EXPECT_EQ(octets_of(found), done.frame.octets);
    lane.pop();
  }
}

// ---- where an lcore looks

TEST(CapturePoint, Lane_IsHandedBackToWhoeverTakesItAway) {
  CapturePoint point;
  EXPECT_EQ(point.lane(), nullptr);
  auto lane = std::make_shared<CaptureLane>(CaptureParams{}, kRoom);
  CaptureLane* const put = lane.get();
  point.exchange(lane);
  EXPECT_EQ(lane, nullptr);
  EXPECT_EQ(point.lane(), put);
  point.exchange(lane);
  EXPECT_EQ(lane.get(), put);
  EXPECT_EQ(lane.use_count(), 1);
  EXPECT_EQ(point.lane(), nullptr);
  EXPECT_EQ(CapturePoint::none().lane(), nullptr);
}

// ---- filters

TEST(CaptureFilter, NoProgram_WantsEverything) {
  const uint8_t octet = 0;
  EXPECT_TRUE(CaptureFilter().wants(&octet, 1, 1));
  ASSERT_TRUE(CaptureFilter::parse(""));
  EXPECT_TRUE(CaptureFilter::parse("")->wants(&octet, 1, 1));
}

TEST(CaptureFilter, Program_AsTcpdumpPrintsIt_IsRun) {
  for (const char* text :
       {"4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0", "4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,"}) {
    auto ip = CaptureFilter::parse(text);
    ASSERT_TRUE(ip) << ip.failure().text;
    std::array<uint8_t, 20> frame{};
    EXPECT_FALSE(ip->wants(frame.data(), 20, 20));
    frame[12] = 8;
    EXPECT_TRUE(ip->wants(frame.data(), 20, 20));
    EXPECT_FALSE(ip->wants(frame.data(), 13, 13)) << "what it looks at is not there";
    EXPECT_FALSE(ip->wants(frame.data(), 20, 13)) << "nor here, in this piece of a chain";
  }
}

TEST(CaptureFilter, WhatIsNoProgram_IsRefusedWithASentence) {
  std::string many = "513";
  for (int i = 0; i < 513; ++i) many += ",6 0 0 0";
  for (const std::string& text :
       {std::string("x"), std::string("0"), std::string("1"), std::string("-1,6 0 0 0"),
        std::string("2,6 0 0 0"), std::string("1,6 0 0 0,6 0 0 0"), std::string("1,6 0 0"),
        std::string("1,6 0 0 0 0"), std::string("1,6 0 0 4294967296"), std::string("1,6 256 0 0"),
        std::string("1,65536 0 0 0"), std::string("1,6  0 0 0"), many}) {
    const auto filter = CaptureFilter::parse(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_TRUE(filter.failure().text.starts_with("The program of the filter ")) << filter.failure().text;
  }
}

TEST(CaptureFilter, ProgramThatCouldLoopOrLeaveItself_IsRefused) {
  for (const char* text : {"2,5 0 0 4294967295,6 0 0 0",  // ja back to itself
                           "2,5 0 0 4294967294,6 0 0 0", "1,5 0 0 0", "2,5 0 0 1,6 0 0 0",
                           "2,21 1 0 0,6 0 0 0",  // jeq beyond the end
                           "2,21 0 255 0,6 0 0 0",
                           "1,0 0 0 0",                 // no return
                           "2,2 0 0 16,6 0 0 0",        // st beyond its memory
                           "2,96 0 0 16,6 0 0 0",       // ld likewise
                           "2,52 0 0 0,6 0 0 0",        // div by 0
                           "2,65535 0 0 0,6 0 0 0"}) {  // no such instruction
    EXPECT_FALSE(CaptureFilter::parse(text)) << text;
  }
}

// libpcap's interpreter aborts the process at an instruction that it does not know.
TEST(CaptureFilter, EveryInstructionThatIsTaken_CanBeRun) {
  const std::vector<uint8_t> frame(64);
  int taken = 0;
  for (unsigned code = 0; code <= 0xffff; ++code) {
    for (const char* operand : {"0", "1"}) {
      auto filter =
          CaptureFilter::parse("3," + std::to_string(code) + " 0 0 " + operand + ",6 0 0 1,6 0 0 1");
      if (!filter) continue;
      filter->wants(frame.data(), 64, 64);
      taken += *operand == '1' ? 1 : 0;
    }
  }
  EXPECT_EQ(taken, 21 + 14 * 2);
}

}  // namespace
}  // namespace millrace::dpdk
