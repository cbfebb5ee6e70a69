// Known vulnerabilities of TCP stacks that lie in what peers make us hold: windows that stay closed, octets
// taken one by one, gaps that are never filled. Neighbours: flood_scene.h, vulnerabilities_flood_test.cpp.
#include <map>
#include <set>
#include <utility>

#include "flood_scene.h"

namespace millrace::conformance {
namespace {

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

MILLRACE_BOTH_FAMILIES(Sockstress);
MILLRACE_BOTH_FAMILIES(SlowPeers);
MILLRACE_BOTH_FAMILIES(Hoards);

}  // namespace
}  // namespace millrace::conformance
