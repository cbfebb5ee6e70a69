// Known vulnerabilities of TCP stacks that lie in numbers: floods that a naive stack answers without bound,
// or that make it forget others. Neighbours: flood_scene.h, vulnerabilities_memory_test.cpp,
// vulnerabilities_test.cpp.
#include <set>

#include "flood_scene.h"
#include "frames.h"

namespace millrace::conformance {
namespace {

using tcp::State;

// ---- SYNs with data, RSTs and FINs by the thousand

TEST_P(Floods, SynWithData_HoldsNoDataAndAnswersOnceEach) {
  params.memory.syn_records = 64;
  Walk& w = begin(Opening::Passive);
  w.listen();
  constexpr uint32_t kSyns = 5000;
  uint64_t answers = 0, octets = 0;
  for (uint32_t i = 0; i < kSyns; ++i) {
    PeerSegment syn{
        .flags = wire::kSyn, .seq = Seq(i * 7919), .ack = Seq(), .length = 900, .options = mss_option()};
    syn.peer_port = static_cast<uint16_t>(10'000 + i);
    peer().send(syn);
    for (const Captured& one : peer().take()) {
      ++answers;
      octets += one.segment.payload_length;
    }
    ASSERT_EQ(usage().buffer_bytes + usage().held_packets, 0U);
  }
  EXPECT_LE(answers, kSyns) << "no amplification";
  EXPECT_EQ(octets, 0U);
  EXPECT_LE(usage().syn_records, 64U);
  EXPECT_EQ(usage().connections, 0U);
}

TEST_P(Floods, RstsAndFins_KillNothingAndAreAnsweredOnceEach) {
  Walk& w = at(Stage::Established);
  constexpr uint32_t kEach = 4000;
  uint64_t answers = 0;
  for (uint32_t i = 0; i < kEach; ++i) {
    const Seq guess(i * 1'073'741 + 12'345);
    if (guess == w.v.rcv_nxt) continue;
    peer().send({.flags = wire::kRst, .seq = guess, .ack = Seq(), .options = {}});
    peer().send({.flags = wire::kFin | wire::kAck, .seq = guess, .ack = guess, .options = {}});
    PeerSegment closed{.flags = wire::kFin | wire::kAck, .seq = guess, .ack = guess, .options = {}};
    closed.our_port = static_cast<uint16_t>(1 + i);
    if (closed.our_port != kOurPort) peer().send(closed);
    answers += peer().take().size();
  }
  EXPECT_LE(answers, 2 * kEach) << "none to a RST outside the window, one to a FIN at most";
  EXPECT_EQ(peer().state(), State::Established);
  EXPECT_EQ(usage().connections, 1U);
  w.send_text(10);
}

// Nobody listens there: one RST an octet-bearing or bare ACK, no larger than it, and nothing is kept.
TEST_P(Floods, TextAndAcksToPortsWithoutListener_HoldNothingAndAreNotAmplified) {
  params.tcp.resets_per_second = 1'000'000;
  Walk& w = at(Stage::Established);
  const shard::Shard::Usage before = usage();
  const size_t neighbors = peer().shard().neighbors().size();
  constexpr uint32_t kEach = 4000;
  for (uint32_t i = 0; i < kEach; ++i)
    for (const uint32_t length : {0U, 600U}) {
      PeerSegment stray{
          .flags = wire::kAck, .seq = Seq(i * 7919), .ack = Seq(i), .length = length, .source = neighbor(i)};
      stray.our_port = static_cast<uint16_t>(1000 + i);
      stray.peer_port = static_cast<uint16_t>(5000 + i);
      peer().send(stray);
      const wire::Segment answer = peer().take_one().segment;
      ASSERT_EQ(answer.flags, wire::kRst);
      ASSERT_EQ(answer.seq, stray.ack);
      ASSERT_EQ(answer.payload_length + answer.options.sack_count, 0U);
      stray.flags = wire::kRst | wire::kAck;
      peer().send(stray);
      ASSERT_TRUE(peer().take().empty()) << "a RST is never answered";
    }
  EXPECT_EQ(usage().buffer_bytes + usage().held_packets, before.buffer_bytes + before.held_packets);
  EXPECT_EQ(usage().connections + usage().syn_records + usage().time_wait_records, 1U);
  EXPECT_EQ(peer().shard().neighbors().size(), neighbors) << "no neighbour is asked for";
  w.send_text(10);
}

// ---- challenge ACKs as a side channel (CVE-2016-5696): counted on one connection, they tell of another

class SideChannel : public Floods {
 protected:
  static constexpr uint16_t kAttackersPort = 7100;
  static constexpr uint32_t kProvoked = 2000;  // more than the shard may answer

  // ESTABLISHED with the victim, and from one address more with the attacker.
  void two_connections() {
    Walk& w = at(Stage::Established, Opening::Passive);
    peer().send({.flags = wire::kSyn, .seq = own_, .options = mss_option(), .peer_port = kAttackersPort});
    const wire::Segment syn_ack = peer().take_one().segment;
    acked_ = syn_ack.end();
    peer().send({.flags = wire::kAck, .seq = own_ + 1, .ack = acked_, .peer_port = kAttackersPort});
    EXPECT_TRUE(peer().take().empty());
    EXPECT_EQ(usage().connections, 2U);
    static_cast<void>(w);
  }
  // A RST inside the window, but not exact: each is worth a challenge ACK (RFC 5961 §3.2).
  void provoke(const PeerSegment& segment) {
    peer().send(segment);
    for (const Captured& one : peer().take())
      if (one.segment.flow.local.port == kAttackersPort) ++counted_;
  }
  // How many challenge ACKs the attacker sees in one second, having forged `guesses` for the victim.
  uint32_t count_in_a_second(uint32_t guesses) {
    peer().advance(1s);
    peer().take();
    counted_ = 0;
    for (uint32_t i = 0; i < guesses; ++i) provoke({.flags = wire::kRst, .seq = walk->v.rcv_nxt + 1 + i});
    for (uint32_t i = 0; i < kProvoked; ++i)
      provoke({.flags = wire::kRst, .seq = own_ + 2 + i % 900, .peer_port = kAttackersPort});
    return counted_;
  }

  Seq own_ = Seq(1'000'000);
  Seq acked_;
  uint32_t counted_ = 0;
};

TEST_P(SideChannel, OwnConnection_TellsNothingOfTheVictim_Cve2016_5696) {
  two_connections();
  const uint32_t without = count_in_a_second(0);
  EXPECT_GT(without, 0U);
  for (const uint32_t guesses : {1U, 5U, 100U})
    EXPECT_EQ(count_in_a_second(guesses), without) << guesses << " right guesses showed";
  EXPECT_EQ(peer().state(), State::Established);
}

// Where the shard's own limit is what is counted, it differs from second to second by itself.
TEST_P(SideChannel, SharedBudget_CannotBePredicted_Cve2016_5696) {
  params.tcp.challenge_acks_per_second = 8;
  two_connections();
  std::set<uint32_t> counts;
  for (int i = 0; i < 40; ++i) counts.insert(count_in_a_second(0));
  EXPECT_GE(counts.size(), 4U);
}

// ---- ACK storm: two ends that disagree about their numbers answer each other for ever

TEST_P(Floods, AckStorm_DiesDown) {
  Walk& w = at(Stage::Established);
  PeerSegment astray = w.next(wire::kAck);
  astray.seq = w.v.rcv_nxt + 500'000;
  for (int second = 0; second < 3; ++second) {
    peer().advance(1s);
    peer().take();
    uint32_t answers = 0;
    peer().send(astray);
    while (!peer().take().empty() && answers < 1000) {
      ++answers;
      peer().send(astray);  // as the other end would, that takes our answer for as far astray
    }
    EXPECT_GE(answers, 1U);
    EXPECT_LE(answers, 20U) << "in one second";
  }
  EXPECT_EQ(peer().state(), State::Established);
}

// ---- neighbour-table exhaustion (RFC 6583)

class Neighbors : public Floods {
 protected:
  uint64_t asked() {
    const Counters& counters = peer().shard().counters();
    return counters.arp_requests_sent.value() + counters.nd_solicits_sent.value();
  }
  // The peer has not given way: what is sent to it need not wait for a resolution.
  bool knows_peer() {
    for (const ip::NeighborRow& row : peer().shard().neighbors())
      if (row.address == peer().theirs().address) return std::string_view(row.state) != "incomplete";
    return false;
  }
  void half_open_from_nobody(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      PeerSegment syn{.flags = wire::kSyn, .seq = Seq(i), .ack = Seq(), .options = mss_option()};
      syn.source = neighbor(i);
      syn.peer_port = static_cast<uint16_t>(1000 + i);
      peer().send(syn);
    }
    peer().take();
  }
  // The connection goes on while the SYN-ACKs are sent again and given up.
  void keep_up(Walk& w) {
    for (int i = 0; i < 20; ++i) {
      peer().advance(1s);
      ASSERT_LE(peer().shard().neighbors().size(), 64U);
      ASSERT_TRUE(knows_peer());
      peer().take();
      w.send_text(10);
      w.acknowledge();
    }
  }
};

TEST_P(Neighbors, Exhaustion_ByRequests) {
  params.neighbor.entries = 64;
  Walk& w = at(Stage::Established);
  for (uint32_t i = 0; i < 5000; ++i) {
    peer().send_frame(ask_for(peer().ours().address, neighbor(i)));
    ASSERT_TRUE(knows_peer()) << i;
  }
  EXPECT_LE(peer().shard().neighbors().size(), 64U);
  w.send_text(50);
}

// Half-open connections from addresses that do not exist: their SYN-ACKs go again, and want a neighbour. That
// many are a flood, and are not worth a question each.
TEST_P(Neighbors, Exhaustion_BySynsFromNobody) {
  params.neighbor.entries = 64;
  params.memory.syn_records = 1024;
  Walk& w = begin(Opening::Passive);
  w.open();
  half_open_from_nobody(1000);
  const uint64_t before = asked();
  keep_up(w);
  EXPECT_EQ(asked() - before, 0U);
}

// Fewer than half of what fits may be honest peers whose SYN-ACK was lost: each is asked for, within the
// table's bound, and what waits for the answers neither drives out who is in use nor stays.
TEST_P(Neighbors, Exhaustion_BySynsFromNobodyBelowHalfABacklog) {
  params.neighbor.entries = 64;
  params.memory.syn_records = 1024;
  Walk& w = begin(Opening::Passive);
  w.open();
  half_open_from_nobody(500);
  const uint64_t before = asked();
  const uint64_t again = peer().shard().counters().tcp_syn_acks_retransmitted.value();
  keep_up(w);
  EXPECT_GT(asked(), before);
  EXPECT_LE(asked() - before, 3 * (peer().shard().counters().tcp_syn_acks_retransmitted.value() - again));
  EXPECT_EQ(usage().syn_records, 0U);
  peer().advance(60s);
  EXPECT_LE(peer().shard().neighbors().size(), 1U);
  EXPECT_EQ(usage().held_packets, 0U);
}

MILLRACE_BOTH_FAMILIES(SideChannel);
MILLRACE_BOTH_FAMILIES(Floods);
MILLRACE_BOTH_FAMILIES(Neighbors);

}  // namespace
}  // namespace millrace::conformance
