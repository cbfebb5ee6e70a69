// RSTs that answer what belongs to no connection (RFC 9293 §3.10.7.1, §3.10.7.2) are limited for the shard,
// and what is left of the limit tells nobody off the path anything. Neighbour: blind_test.cpp, challenge
// ACKs.
#include <array>
#include <set>

#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class ResetLimit : public Scene {
 protected:
  static constexpr uint16_t kClosed = 9999;  // where nobody listens
  const Counters& counters() { return peer().shard().counters(); }

  uint32_t resets_seen() {
    uint32_t count = 0;
    for (const Captured& one : peer().take()) count += one.segment.flags.rst() ? 1U : 0U;
    return count;
  }
  PeerSegment stray(uint32_t number, wire::Flags flags = wire::kAck) {
    PeerSegment segment{.flags = flags, .seq = Seq(number * 7919), .ack = Seq(number), .options = {}};
    segment.our_port = kClosed;
    segment.peer_port = static_cast<uint16_t>(20'000 + number % 20'000);
    return segment;
  }
  // The RSTs that `count` segments for a closed port get in this instant.
  uint32_t flood(uint32_t count, wire::Flags flags = wire::kAck) {
    for (uint32_t i = 0; i < count; ++i) peer().send(stray(i, flags));
    return resets_seen();
  }
  void use_up() {
    flood(2 * params.tcp.resets_per_second);
    ASSERT_EQ(flood(1), 0U);
  }
};

TEST_P(ResetLimit, FloodOfAnyKind_IsAnsweredABoundedNumberOfTimesASecond) {
  params.tcp.resets_per_second = 100;
  begin(Opening::Passive);
  for (const wire::Flags flags :
       {wire::kSyn, wire::kAck, wire::kSyn | wire::kAck, wire::kFin, wire::Flags()}) {
    peer().advance(1s);
    const uint64_t before = counters().tcp_resets_limited.value();
    const uint32_t answers = flood(1000, flags);
    EXPECT_GE(answers, 50U);
    EXPECT_LE(answers, 150U);
    EXPECT_EQ(counters().tcp_resets_limited.value() - before, 1000U - answers);
    peer().advance(900ms);
    EXPECT_EQ(flood(10, flags), 0U) << "no more in the same second";
  }
  EXPECT_EQ(counters().dropped(DropReason::TcpNoConnection), 5 * 1010U) << "counted, answered or not";
}

// A scan of all ports (65,535 in ten seconds) and a host whose process has died: each is told.
TEST_P(ResetLimit, ByDefault_FiveThousandASecondAreAnswered) {
  begin(Opening::Passive);
  for (int second = 0; second < 5; ++second) {
    peer().advance(1s);
    EXPECT_EQ(flood(5000, wire::kSyn), 5000U);
  }
}

// In LISTEN, SYN-RECEIVED and SYN-SENT it is an acknowledgement that cannot be that is answered so.
TEST_P(ResetLimit, RstsOfEveryStateWithoutSynchronizedNumbers_AreUnderTheOneLimit) {
  params.tcp.resets_per_second = 20;
  for (const Opening opening : {Opening::Passive, Opening::Active}) {
    const Stage stage = opening == Opening::Passive ? Stage::SynReceived : Stage::SynSent;
    SCOPED_TRACE(name_of(stage));
    Walk& w = at(stage, opening);
    PeerSegment bad = w.next(wire::kAck);
    bad.ack = w.v.snd_nxt + 1000;
    peer().send(bad);
    EXPECT_EQ(resets_seen(), 1U);
    use_up();
    peer().send(bad);
    if (opening == Opening::Passive) {
      PeerSegment to_listen = stray(7);
      to_listen.our_port = kOurPort;
      peer().send(to_listen);
    }
    EXPECT_EQ(resets_seen(), 0U);
    EXPECT_EQ(peer().state(), state_of(stage));
    peer().advance(1s);
    peer().take();
    peer().send(bad);
    EXPECT_EQ(resets_seen(), 1U) << "in the next second";
    EXPECT_EQ(clean_up(w), "");
  }
}

// Our connections' own RSTs, and challenges, are no strangers' business.
TEST_P(ResetLimit, UsedUp_AConnectionStillResetsAndChallenges) {
  params.tcp.resets_per_second = 20;
  Walk& w = at(Stage::Established);
  use_up();
  PeerSegment reset = w.next(wire::kRst);
  reset.seq = w.v.rcv_nxt + 1;
  peer().send(reset);
  EXPECT_EQ(peer().take_one().segment.flags, wire::kAck) << "RFC 5961 §3.2";
  w.app.connection->abort();
  EXPECT_EQ(seen().size(), 1U);
  EXPECT_EQ(peer().state(), State::Closed);
}

TEST_P(ResetLimit, ChallengesUsedUp_StrangersAreStillReset) {
  params.tcp.challenge_acks_per_second = 1;
  Walk& w = at(Stage::Established);
  for (uint32_t i = 1; i < 100; ++i)
    peer().send({.flags = wire::kRst, .seq = w.v.rcv_nxt + i, .options = {}});
  peer().take();
  EXPECT_EQ(flood(100), 100U);
}

// CVE-2020-25705 is the same with ICMP errors: a bound that is known can be counted down.
TEST_P(ResetLimit, Bound_IsAnotherOneEachSecond) {
  params.tcp.resets_per_second = 8;
  begin(Opening::Passive);
  std::set<uint32_t> bounds;
  for (int second = 0; second < 60; ++second) {
    peer().advance(1s);
    const uint32_t answers = flood(30);
    EXPECT_GE(answers, 4U);
    EXPECT_LE(answers, 12U);
    bounds.insert(answers);
  }
  EXPECT_GE(bounds.size(), 5U) << "each of 4 to 12 as likely as another";
}

TEST_P(ResetLimit, Limit_IsChangedLive) {
  params.tcp.resets_per_second = 1000;
  begin(Opening::Passive);
  EXPECT_GE(flood(400), 400U);
  params.tcp.resets_per_second = 1;
  peer().shard().set_tcp_params(params.tcp);
  peer().advance(1s);
  EXPECT_LE(flood(400), 1U);
}

// ---- off the path: which connections do others have?

class ResetCount : public ResetLimit {
 protected:
  static constexpr uint32_t kForged = 40, kOwn = 400;

  // Forged segments in the name of somebody at `victim_port`, then the attacker's own: the RSTs that he gets.
  uint32_t count(Stage stage, Opening opening, wire::Flags flags, uint32_t length, uint16_t victim_port) {
    params.tcp.resets_per_second = 200;
    Walk& w = at(stage, opening);
    peer().advance(1s);
    flood(1);  // the bound of this second is drawn, before a challenge draws one of its own
    for (uint32_t i = 0; i < kForged; ++i) {
      PeerSegment forged{.flags = flags,
                         .seq = w.v.rcv_nxt + 0x4000'0000 + i * 1'000'003,  // he knows no number
                         .ack = w.v.snd_nxt + 0x4000'0000 + i * 1'000'003,
                         .length = length,
                         .options = {}};
      forged.peer_port = victim_port;
      peer().send(forged);
    }
    peer().take();
    const uint32_t own = flood(kOwn);
    EXPECT_LT(own, kOwn) << "the limit is reached";
    if (peer().state() != State::Closed || walk->app.connection != nullptr) {
      EXPECT_EQ(clean_up(w), "");
    }
    return own;
  }
};

// Both worlds draw the same bound, so that what is counted can be compared to the last RST.
TEST_P(ResetCount, OfAnAttacker_IsTheSameWhetherTheVictimHasAConnectionOrNot) {
  constexpr uint16_t kNobody = 7001;
  for (const Opening opening : {Opening::Passive, Opening::Active})
    for (const Stage stage : {Stage::SynReceived, Stage::Established, Stage::FinWait2, Stage::CloseWait,
                              Stage::LastAck, Stage::TimeWait})
      for (const wire::Flags flags :
           {wire::kAck, wire::kSyn | wire::kAck, wire::kSyn, wire::kFin | wire::kAck, wire::kRst})
        for (const uint32_t length : {0U, 20U}) {
          if (flags.syn() && !flags.ack() && stage == Stage::SynReceived) continue;  // answered by SYN-ACK
          SCOPED_TRACE(std::string(name_of(stage)) + (opening == Opening::Active ? " active" : " passive") +
                       " flags " + std::to_string(flags.bits()) + " length " + std::to_string(length));
          const uint32_t with = count(stage, opening, flags, length, kPeerPort);
          EXPECT_EQ(with, count(stage, opening, flags, length, kNobody));
        }
}

MILLRACE_BOTH_FAMILIES(ResetLimit);
MILLRACE_BOTH_FAMILIES(ResetCount);

}  // namespace
}  // namespace millrace::conformance
