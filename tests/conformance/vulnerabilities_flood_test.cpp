// Known vulnerabilities of TCP stacks that lie in numbers: floods that make a naive stack hold or answer
// without bound. Neighbour: vulnerabilities_test.cpp.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "frames.h"
#include "scene.h"

namespace millrace::conformance {
namespace {

using tcp::State;

class Floods : public Scene {
 protected:
  uint64_t drops(DropReason reason) { return peer().shard().counters().dropped(reason); }
  shard::Shard::Usage usage() { return peer().shard().usage(); }
  static IpAddress neighbor(uint32_t number) {
    if (GetParam() == Family::V4) return IpAddress::v4(10, 0, 0, static_cast<uint8_t>(3 + number % 250));
    std::array<uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8};
    for (unsigned i = 0; i < 4; ++i) octets[12 + i] = static_cast<uint8_t>((number + 0x100) >> (24 - 8 * i));
    return IpAddress::v6(octets);
  }
};

// ---- sockstress (CVE-2008-4609): windows that stay closed over data that stays queued

// Sends as much as it may as soon as it may.
class Pouring final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override {
    ++established;
    const std::vector<uint8_t> text(64 * 1024, 'x');
    connection.send(text);
  }
  void on_closed(app::Connection&, app::CloseReason reason) override { ++ended[reason]; }
  uint32_t established = 0;
  std::map<app::CloseReason, uint32_t> ended;
};

class Sockstress : public Floods {
 protected:
  static constexpr uint16_t kAttackers = 60, kFirstPort = 10'000;

  void attack() {
    params.memory = {.connections = 128,
                     .syn_records = 128,
                     .time_wait_records = 16,
                     .buffer_bytes = 1 << 20,
                     .held_packets = 64,
                     .trace_segments = 0};
    params.tcp.send_buffer = 64 * 1024;
    begin(Opening::Passive);
    ASSERT_EQ(peer().shard().listen({.local = peer().ours()}, server, "pouring"), app::OpenError::None);
    for (uint16_t port = kFirstPort; port < kFirstPort + kAttackers; ++port) open(port, 0);
    ASSERT_EQ(server.established, kAttackers);
  }
  // Of a handshake with this window; returns our initial sequence number.
  Seq open(uint16_t port, uint16_t window) {
    PeerSegment syn{
        .flags = wire::kSyn, .seq = Seq(port), .ack = Seq(), .window = window, .options = mss_option()};
    syn.peer_port = port;
    peer().send(syn);
    const Seq iss = peer().take().back().segment.seq;
    PeerSegment ack{
        .flags = wire::kAck, .seq = Seq(port) + 1, .ack = iss + 1, .window = window, .options = {}};
    ack.peer_port = port;
    peer().send(ack);
    return iss;
  }
  // The attackers answer every probe: the window is still closed.
  void keep_up(Micros duration) {
    for (const Instant end = peer().now() + duration; peer().now() < end;) {
      peer().advance(50ms);
      for (const Captured& one : peer().take()) {
        if (one.segment.flags.rst() || one.segment.length() == 0) continue;
        PeerSegment ack{
            .flags = wire::kAck, .seq = one.segment.ack, .ack = one.segment.seq, .window = 0, .options = {}};
        ack.peer_port = one.segment.flow.local.port;
        peer().send(ack);
        ++probes;
      }
      ASSERT_LE(usage().buffer_bytes, params.memory.buffer_bytes);
    }
  }
  Pouring server;
  uint64_t probes = 0;
};

TEST_P(Sockstress, ClosedWindows_GiveWayWhenMemoryIsShort) {
  attack();
  ASSERT_GT(usage().buffer_bytes, params.memory.buffer_bytes / 8 * 7) << "what they aim at";
  keep_up(60s);
  EXPECT_GT(server.ended[app::CloseReason::NoMemory], 0U);
  EXPECT_LE(usage().buffer_bytes, params.memory.buffer_bytes / 8 * 7);
  EXPECT_EQ(peer().shard().counters().tcp_closed_windows_reset.value(),
            server.ended[app::CloseReason::NoMemory]);
  // No more of them than that took: the others may keep their windows closed (MUST-37).
  EXPECT_GT(peer().shard().connections(), 8U);
  EXPECT_LT(probes, 60U * kAttackers) << "probes back off";
  // A guest who reads is served.
  Seq next = open(7001, 20'000) + 1;
  const Seq all = next + 64 * 1024;
  for (int i = 0; i < 400 && next.before(all); ++i) {
    peer().run();
    for (const Captured& one : peer().take())
      if (one.segment.flow.local.port == 7001 && one.segment.seq == next) next = one.segment.end();
    PeerSegment ack{.flags = wire::kAck, .seq = Seq(7002), .ack = next, .options = {}};
    ack.peer_port = 7001;
    peer().send(ack);
  }
  EXPECT_EQ(next, all);
}

TEST_P(Sockstress, ClosedWindows_StandWhileMemoryIsThere) {
  params.memory.buffer_bytes = 64U << 20;
  begin(Opening::Passive);
  ASSERT_EQ(peer().shard().listen({.local = peer().ours()}, server, "pouring"), app::OpenError::None);
  for (uint16_t port = kFirstPort; port < kFirstPort + 8; ++port) open(port, 0);
  keep_up(600s);
  EXPECT_EQ(peer().shard().connections(), 8U) << "RFC 9293 §3.8.6.1";
  EXPECT_TRUE(server.ended.empty());
}

// ---- variants of it: windows that are open, and a peer that takes an octet now and then, or tiny ones

class SlowPeers : public Sockstress {
 protected:
  void attack_with(uint16_t window) {
    params.memory = {.connections = 128,
                     .syn_records = 128,
                     .time_wait_records = 16,
                     .buffer_bytes = buffer_bytes,
                     .held_packets = 64,
                     .trace_segments = 0};
    params.tcp.send_buffer = 64 * 1024;
    params.tcp.data_retries = 64;  // more than the tests last
    begin(Opening::Passive);
    ASSERT_EQ(peer().shard().listen({.local = peer().ours()}, server, "pouring"), app::OpenError::None);
    for (uint16_t port = kFirstPort; port < kFirstPort + kAttackers; ++port)
      taken[port] = open(port, window) + 1;
    peer().take();
    ASSERT_EQ(server.established, kAttackers);
  }
  void acknowledge(uint16_t port, uint16_t window) {
    PeerSegment ack{
        .flags = wire::kAck, .seq = Seq(port) + 1, .ack = taken[port], .window = window, .options = {}};
    ack.peer_port = port;
    peer().send(ack);
  }
  // Each second every attacker takes so many octets more.
  void dribble(Micros duration, uint32_t octets, uint16_t window = 20'000) {
    for (const Instant end = peer().now() + duration; peer().now() < end;) {
      peer().advance(1s);
      note_resets();
      if (octets == 0) continue;
      for (uint16_t port = kFirstPort; port < kFirstPort + kAttackers; ++port) {
        if (gone.contains(port)) continue;
        taken[port] += octets;
        acknowledge(port, window);
        note_resets();
      }
    }
  }
  // All that comes is taken at once, but the window never opens by more than this.
  void take_all(Micros duration, uint16_t window) {
    for (const Instant end = peer().now() + duration; peer().now() < end;) {
      peer().advance(200ms);
      for (const Captured& one : peer().take()) {
        const uint16_t port = one.segment.flow.local.port;
        if (one.segment.flags.rst()) gone.insert(port);
        if (one.segment.payload_length == 0 || one.segment.seq != taken[port]) continue;
        taken[port] = one.segment.end();
        acknowledge(port, window);
      }
    }
  }
  void note_resets() {
    for (const Captured& one : peer().take())
      if (one.segment.flags.rst()) gone.insert(one.segment.flow.local.port);
  }
  uint32_t given_up() { return server.ended[app::CloseReason::NoMemory]; }
  void expect_relief() {
    EXPECT_LE(usage().buffer_bytes, params.memory.buffer_bytes / 8 * 7);
    EXPECT_GT(given_up(), 0U);
    EXPECT_EQ(peer().shard().counters().tcp_slow_peers_reset.value(), given_up());
    EXPECT_EQ(gone.size(), given_up()) << "each is told by a RST";
    EXPECT_GT(peer().shard().connections(), 8U) << "no more of them than it takes";
  }
  uint64_t buffer_bytes = 1 << 20;
  std::map<uint16_t, Seq> taken;
  std::set<uint16_t> gone;
};

TEST_P(SlowPeers, AnOctetNowAndThen_GivesWayWhenMemoryIsShort) {
  attack_with(20'000);
  ASSERT_GT(usage().buffer_bytes, params.memory.buffer_bytes / 8 * 7) << "what they aim at";
  dribble(params.tcp.slow_peer_timeout / 2, 1);
  expect_relief();
}

TEST_P(SlowPeers, NothingAcknowledged_GivesWayWhenMemoryIsShort) {
  attack_with(20'000);
  dribble(params.tcp.slow_peer_timeout / 2, 0);
  expect_relief();
}

TEST_P(SlowPeers, TinyWindows_GiveWayWhenMemoryIsShort) {
  attack_with(1);
  take_all(params.tcp.slow_peer_timeout / 2, 1);
  expect_relief();
}

// A window that is closed most of the time and takes an octet before the probes run out.
TEST_P(SlowPeers, AnOctetNowAndThenAndAClosedWindow_GiveWayWhenMemoryIsShort) {
  attack_with(1460);
  dribble(params.tcp.slow_peer_timeout / 2, 1, 0);
  expect_relief();
}

TEST_P(SlowPeers, WhileMemoryIsThere_NobodyIsHurried) {
  buffer_bytes = 64U << 20;
  attack_with(20'000);
  dribble(2 * params.tcp.slow_peer_timeout, 1);
  EXPECT_EQ(peer().shard().connections(), kAttackers);
  EXPECT_TRUE(server.ended.empty());
}

TEST_P(SlowPeers, WhileMemoryFillsButIsNotShort_NobodyIsHurried) {
  buffer_bytes = 5'200'000;
  attack_with(20'000);
  ASSERT_GT(usage().buffer_bytes, buffer_bytes / 4 * 3);
  ASSERT_LE(usage().buffer_bytes, buffer_bytes / 8 * 7);
  dribble(2 * params.tcp.slow_peer_timeout, 1);
  EXPECT_TRUE(server.ended.empty());
}

TEST_P(SlowPeers, SwitchedOff_NobodyIsHurried) {
  params.tcp.slow_peer_timeout = 0s;
  attack_with(20'000);
  dribble(300s, 1);
  EXPECT_EQ(given_up(), 0U);
  EXPECT_EQ(peer().shard().connections(), kAttackers);
}

// 64 KiB in less than the time allowed, however short memory is: the others go.
TEST_P(SlowPeers, WhoeverTakesHisQueueInTime_Stays) {
  constexpr uint16_t kHonest = kFirstPort + 5;
  attack_with(20'000);
  const auto pace = static_cast<uint32_t>(64 * 1024 / (params.tcp.slow_peer_timeout / 1s) + 50);
  const Seq begin = taken[kHonest];
  for (Micros passed{0}; passed < params.tcp.slow_peer_timeout / 2; passed += 1s) {
    taken[kHonest] += pace;
    acknowledge(kHonest, 20'000);
    dribble(1s, 1);
  }
  expect_relief();
  EXPECT_FALSE(gone.contains(kHonest));
  EXPECT_GT(taken[kHonest] - begin, 64U * 1024 / 3);
}

TEST_P(SlowPeers, WhereAllTakeTheirQueuesInTime_NobodyIsReset) {
  const Micros timeout = std::exchange(params.tcp.slow_peer_timeout, 0s);
  attack_with(20'000);
  peer().advance(1s);
  params.tcp.slow_peer_timeout = timeout;
  peer().shard().set_tcp_params(params.tcp);
  dribble(timeout / 8 + 1s, static_cast<uint32_t>(64 * 1024 / (timeout / 1s) + 50));
  ASSERT_GT(usage().buffer_bytes, params.memory.buffer_bytes / 4 * 3) << "there would have been reason";
  EXPECT_EQ(given_up(), 0U);
}

TEST_P(SlowPeers, TheSlowestGoFirst) {
  attack_with(20'000);
  for (Micros passed{0}; passed < params.tcp.slow_peer_timeout / 2; passed += 1s) {
    for (uint16_t port = kFirstPort; port < kFirstPort + kAttackers; port += 2) {
      if (gone.contains(port)) continue;
      taken[port] += 40;
      acknowledge(port, 20'000);
    }
    dribble(1s, 1);
  }
  expect_relief();
  uint32_t odd = 0;
  for (const uint16_t port : gone) odd += (port - kFirstPort) % 2 != 0 ? 1U : 0U;
  EXPECT_EQ(odd, gone.size()) << "those that took 41 octets a second outlive those that took one";
}

// ---- text behind a gap that is never closed

class Hoards : public Floods {
 protected:
  static constexpr uint16_t kAttackers = 30, kFirstPort = 10'000;
  static constexpr uint32_t kSegment = 1400, kSegments = 40, kGap = 100;
  static Seq begin_of(uint16_t port) { return Seq(port) + 1; }

  void text(uint16_t port, Seq seq, uint32_t length) {
    PeerSegment segment{.flags = wire::kAck, .seq = seq, .ack = acked[port], .length = length, .options = {}};
    segment.peer_port = port;
    peer().send(segment);
  }
  // Each leaves a gap at the front of what it sends.
  void attack() {
    params.memory.connections = 64;
    params.memory.syn_records = 64;
    params.memory.buffer_bytes = buffer_bytes;
    params.tcp.receive_buffer = 65'535;
    Walk& w = begin(Opening::Passive);
    w.listen();
    for (uint16_t port = kFirstPort; port < kFirstPort + kAttackers; ++port) {
      PeerSegment syn{.flags = wire::kSyn, .seq = Seq(port), .ack = Seq(), .options = mss_option()};
      syn.peer_port = port;
      peer().send(syn);
      acked[port] = peer().take().back().segment.seq + 1;
      text(port, begin_of(port), 0);
      for (uint32_t i = 0; i < kSegments; ++i) text(port, begin_of(port) + kGap + i * kSegment, kSegment);
    }
    peer().take();
  }
  uint64_t buffer_bytes = 1 << 20;
  std::map<uint16_t, Seq> acked;
};

TEST_P(Hoards, TextBehindAGap_GivesWayWhenMemoryIsShort) {
  attack();
  ASSERT_GT(usage().buffer_bytes, params.memory.buffer_bytes / 8 * 7) << "what they aim at";
  for (Micros passed{0}; passed < params.tcp.slow_peer_timeout / 2; passed += 1s) {
    peer().advance(1s);
    peer().take();
  }
  EXPECT_LE(usage().buffer_bytes, params.memory.buffer_bytes / 4 * 3);
  EXPECT_GT(peer().shard().counters().tcp_reassembly_dropped.value(), 0U);
  EXPECT_EQ(peer().shard().connections(), kAttackers) << "RFC 2018 §8: it can be sent again";
  // And it is: nobody's stream has suffered.
  walk->app.received.clear();
  constexpr uint32_t kAll = 10 * kSegment;
  for (uint32_t sent = 0; sent < kAll; sent += kSegment)
    text(kFirstPort, begin_of(kFirstPort) + sent, kSegment);
  ASSERT_GE(walk->app.received.size(), kAll);
  for (uint32_t i = 0; i < kAll; ++i)
    ASSERT_EQ(walk->app.received[i], Peer::octet_at(begin_of(kFirstPort) + i)) << i;
}

TEST_P(Hoards, WhileMemoryIsThere_TheyAreKept) {
  buffer_bytes = 64U << 20;
  attack();
  const uint64_t held = usage().buffer_bytes;
  EXPECT_GT(held, kAttackers * kSegment * kSegments);
  peer().advance(2 * params.tcp.slow_peer_timeout);
  EXPECT_EQ(usage().buffer_bytes, held);
}

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

MILLRACE_BOTH_FAMILIES(Sockstress);
MILLRACE_BOTH_FAMILIES(SlowPeers);
MILLRACE_BOTH_FAMILIES(Hoards);
MILLRACE_BOTH_FAMILIES(SideChannel);
MILLRACE_BOTH_FAMILIES(Floods);
MILLRACE_BOTH_FAMILIES(Neighbors);

}  // namespace
}  // namespace millrace::conformance
