// SYN floods from made-up sources (RFC 4987 §2) beside an honest client, whole shards in virtual time; and
// nodes behind one address that know each other's cookies.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/world.h"
#include "wire/build.h"
#include "wire/parse.h"

namespace millrace::sim::test {
namespace {

using std::chrono::seconds;

constexpr uint16_t kPort = 80;
constexpr uint32_t kBacklog = 64;
constexpr MacAddress kAttackerMac{{0x02, 0, 0, 0, 0, 3}};
constexpr MacAddress kServerMac{{0x02, 0, 0, 0, 0, 2}};

class Echo final : public app::Handler {
 public:
  void on_readable(app::Connection& connection) override {
    while (connection.readable_bytes() != 0) {
      const std::span<const uint8_t> octets = connection.readable();
      connection.send(octets);
      connection.consume(static_cast<uint32_t>(octets.size()));
    }
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
};

// One exchange after the other: connect, 100 octets there and back, close.
class Client final : public app::Handler {
 public:
  Client(shard::Shard& shard, const Endpoint& server) : shard_(shard), server_(server) {}

  void connect() {
    const app::OpenResult result =
        shard_.connect({.remote = server_, .local_address = {}, .local_port = {}}, *this);
    failures += result.connection == nullptr ? 1 : 0;
  }
  void on_established(app::Connection& connection) override {
    received_ = 0;
    connection.send(kRequest);
  }
  void on_readable(app::Connection& connection) override {
    received_ += connection.readable_bytes();
    connection.consume(connection.readable_bytes());
    if (received_ == kRequest.size()) connection.close();
  }
  void on_closed(app::Connection&, app::CloseReason reason) override {
    if (reason == app::CloseReason::Finished && received_ == kRequest.size())
      ++exchanges;
    else
      ++failures;
    if (exchanges + failures < wanted) connect();
  }

  static constexpr std::array<uint8_t, 100> kRequest{};
  uint32_t wanted = 1;
  uint32_t exchanges = 0;
  uint32_t failures = 0;

 private:
  shard::Shard& shard_;
  Endpoint server_;
  uint64_t received_ = 0;
};

// Frames of an attacker who sees nothing of what comes back.
class Flood {
 public:
  Flood(Family family, uint64_t seed) : family_(family), entropy_(seed) {}

  std::vector<uint8_t> syn(const IpAddress& server) {
    wire::Segment segment;
    segment.flow.local = {random_source(), static_cast<uint16_t>(1 + entropy_.next() % 65535)};
    segment.flow.remote = {server, kPort};
    segment.seq = Seq(static_cast<uint32_t>(entropy_.next()));
    segment.flags = wire::kSyn;
    segment.window = WireWindow(64000);
    segment.options.mss = Mss(1460);
    return frame_of(segment);
  }
  std::vector<uint8_t> ack(const IpAddress& server) {
    wire::Segment segment;
    segment.flow.local = {random_source(), static_cast<uint16_t>(1 + entropy_.next() % 65535)};
    segment.flow.remote = {server, kPort};
    segment.seq = Seq(static_cast<uint32_t>(entropy_.next()));
    segment.ack = Seq(static_cast<uint32_t>(entropy_.next()));
    segment.flags = wire::kAck;
    return frame_of(segment);
  }

 private:
  // Half of them on the link, where a neighbour would have to be looked for.
  IpAddress random_source() {
    const uint64_t bits = entropy_.next();
    const auto octet = [bits](int i) { return static_cast<uint8_t>(bits >> (8 * i)); };
    const bool near = (bits >> 60 & 1) != 0;
    if (family_ == Family::V4)
      return near ? IpAddress::v4(10, 0, 0, static_cast<uint8_t>(4 + octet(0) % 250))
                  : IpAddress::v4(198, 18, octet(0), octet(1));
    if (near)
      return IpAddress::v6(
          {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, octet(0), octet(1), octet(2), octet(3), octet(4), 1, 2, 3});
    return IpAddress::v6({0x20, 0x01, 0x0d, 0xb9, 0, 0, 0, 0, octet(0), octet(1), octet(2), 1, 2, 3, 4, 5});
  }
  std::vector<uint8_t> frame_of(const wire::Segment& segment) {
    Packet packet = pool_.allocate();
    wire::build_segment(packet, {.destination = kServerMac, .source = kAttackerMac}, segment,
                        wire::Checksum::Software);
    return {packet.data(), packet.data() + packet.length()};
  }

  Family family_;
  SeededEntropy entropy_;
  HeapPool pool_{1, 2048};
};

class SynFlood : public testing::TestWithParam<Family> {
 protected:
  static constexpr HostId kClient = 0, kServer = 1, kAttacker = 2;

  void begin(SynCookies mode) {
    world.add_host("client", host_params(1));
    ShardParams params = host_params(2);
    params.tcp.syn_cookies = mode;
    world.add_host("server", params);
    world.add_host("attacker", host_params(3));
    world.set_links({.delay = 1ms});
    ASSERT_EQ(server().listen({.local = {address(), kPort}, .backlog = kBacklog}, echo, "echo"),
              app::OpenError::None);
    client = std::make_unique<Client>(world.shard(kClient), Endpoint{address(), kPort});
  }
  shard::Shard& server() { return world.shard(kServer); }
  IpAddress address() const { return host_address(2, GetParam()); }
  const Counters& counters() { return server().counters(); }
  void exchange(uint32_t count) {
    client->wanted = client->exchanges + client->failures + count;
    world.in(kClient, 0us, [this] { client->connect(); });
  }
  // `frames` of them over `duration`, from now on, a millisecond's worth at once.
  template <typename Make>
  void flood(uint32_t frames, Micros duration, const Make& make) {
    const auto steps = static_cast<uint32_t>(duration / 1ms);
    for (uint32_t step = 0; step < steps; ++step)
      world.in(kAttacker, step * Micros(1ms), [this, count = frames / steps, make] {
        for (uint32_t i = 0; i < count; ++i) world.link(kAttacker, kServer).send(make(), world.now());
        watch();
      });
  }
  void watch() {
    const shard::Shard::Usage usage = server().usage();
    most_records = std::max(most_records, usage.syn_records);
    most_connections = std::max(most_connections, usage.connections);
    most_neighbors = std::max(most_neighbors, server().neighbors().size());
  }
  bool finished() const { return client->exchanges + client->failures == client->wanted; }

  World world{11};
  Echo echo;
  std::unique_ptr<Client> client;
  Flood attacker{GetParam(), 5};
  uint32_t most_records = 0;
  uint32_t most_connections = 0;
  size_t most_neighbors = 0;
};

TEST_P(SynFlood, HundredThousandSyns_AnHonestClientIsServedAHundredTimes) {
  begin(SynCookies::Auto);
  exchange(1);  // who is where
  ASSERT_TRUE(world.run_until([&] { return finished(); }, 300s));
  const size_t neighbors = server().neighbors().size();
  flood(100'000, 10s, [this] { return attacker.syn(address()); });
  world.in(kClient, 1s, [this] { exchange(100); });
  world.run_for(10s);
  EXPECT_GE(counters().tcp_syn_cookies_sent.value(), 99'000U);
  EXPECT_EQ(client->exchanges, 101U) << "done while the flood lasts";
  EXPECT_EQ(client->failures, 0U);
  EXPECT_GE(counters().tcp_syn_cookies_accepted.value(), 100U);
  EXPECT_EQ(counters().tcp_syn_cookies_rejected.value(), 0U);
  EXPECT_EQ(most_records, kBacklog);
  EXPECT_LE(most_connections, 2U);
  EXPECT_LE(most_neighbors, neighbors) << "no made-up source is looked for";
  EXPECT_EQ(counters().dropped(DropReason::TcpSynQueueFull), 0U);
  world.run_for(200s);
  const shard::Shard::Usage usage = server().usage();
  EXPECT_EQ(usage.syn_records + usage.connections + usage.timers, 0U);
  EXPECT_EQ(usage.buffer_bytes + usage.held_packets, 0U);
  EXPECT_EQ(world.outstanding_packets(kServer), 0U);
}

TEST_P(SynFlood, CookiesOff_WhoIsHalfOpenAlreadyIsServed) {
  begin(SynCookies::Never);
  exchange(1);
  ASSERT_TRUE(world.run_until([&] { return finished(); }, 300s));
  // Its SYN comes first, its ACK behind ten thousand others' SYNs.
  world.link(kServer, kClient).set_params({.delay = 500ms});
  exchange(1);
  world.in(kAttacker, 5ms, [this] { flood(10'000, 400ms, [this] { return attacker.syn(address()); }); });
  world.run_for(30s);
  EXPECT_EQ(client->exchanges, 2U);
  EXPECT_EQ(client->failures, 0U);
  EXPECT_GE(counters().dropped(DropReason::TcpSynQueueFull), 9'900U);
  EXPECT_EQ(counters().tcp_syn_cookies_sent.value(), 0U);
  world.run_for(300s);
}

TEST_P(SynFlood, RandomAcks_OpenNothing) {
  begin(SynCookies::Always);
  exchange(1);
  ASSERT_TRUE(world.run_until([&] { return finished(); }, 300s));
  flood(100'000, 10s, [this] { return attacker.ack(address()); });
  world.run_for(11s);
  EXPECT_EQ(counters().tcp_syn_cookies_rejected.value(), 100'000U);
  EXPECT_EQ(counters().tcp_syn_cookies_accepted.value(), 1U);
  EXPECT_LE(most_connections, 1U);
  world.run_for(300s);
}

// The key changes between SYN-ACK and ACK, and again.
TEST_P(SynFlood, KeysChangeDuringHandshakes_NoneIsLost) {
  begin(SynCookies::Always);
  TcpParams params;
  params.syn_cookies = SynCookies::Always;
  params.syn_cookie_rotation = 10s;
  server().set_tcp_params(params);
  world.set_links({.delay = 2s});  // every handshake crosses the change with a chance of two in five
  exchange(20);
  EXPECT_TRUE(world.run_until([&] { return finished(); }, 3600s));
  EXPECT_EQ(client->exchanges, 20U);
  world.run_for(300s);
}

INSTANTIATE_TEST_SUITE_P(Families, SynFlood, testing::Values(Family::V4, Family::V6),
                         [](const auto& each) { return each.param == Family::V4 ? "v4" : "v6"; });

// ---- several nodes behind one address
// --------------------------------------------------------------------------------------------

// A node of the fleet: a shard with the common address, given frames and asked for what it answers.
class Node {
 public:
  Node(Family family, uint8_t secret, uint64_t seed, Instant born, std::chrono::milliseconds ahead)
      : entropy_(seed), now_(born), ahead_(ahead) {
    ShardParams params = host_params(2);
    params.tcp.syn_cookies = SynCookies::Always;
    params.tcp.receive_buffer = 1 << 20;
    params.secrets.emplace().issue.fill(secret);
    params.secrets->shared = true;
    stack.emplace(params, wire::Checksum::Software, pool_, entropy_, now_);
    stack->start(now_, out_);
    out_.clear();
    stack->listen({.local = {host_address(2, family), kPort}}, echo, "echo");
    tell_time(kWallBeginning);
  }
  void tell_time(WallTime wall) { stack->set_wall_clock(wall + ahead_, now_); }

  // What comes back for a frame, TCP segments only.
  std::vector<wire::Segment> receive(const std::vector<uint8_t>& frame) {
    std::vector<Packet> burst;
    burst.push_back(pool_.allocate());
    std::copy(frame.begin(), frame.end(), burst[0].data());
    burst[0].set_length(static_cast<uint32_t>(frame.size()));
    stack->receive(burst, now_, out_);
    stack->run(now_);
    stack->transmit(now_, out_);
    std::vector<wire::Segment> answers;
    for (const Packet& packet : out_.packets()) {
      wire::Frame parsed;
      wire::parse_frame(packet, {.mac = kAttackerMac, .mtu = 1500}, parsed);
      if (parsed.kind == wire::FrameKind::Tcp) answers.push_back(parsed.tcp);
    }
    out_.clear();
    return answers;
  }
  uint32_t connections() const { return stack->usage().connections; }
  void clear() {
    stack->abort_all(now_);
    stack->run(now_);
    stack->transmit(now_, out_);
    stack->run(now_);
    stack->transmit(now_, out_);
    out_.clear();
  }

  Echo echo;

 private:
  SeededEntropy entropy_;
  Instant now_;
  std::chrono::milliseconds ahead_;
  HeapPool pool_{64, 2048};
  PacketBatch out_{64};

 public:
  std::optional<shard::Shard> stack;
};

class SharedCookies : public testing::TestWithParam<Family> {
 protected:
  std::vector<uint8_t> frame(wire::Flags flags, Seq seq, Seq ack, std::optional<uint32_t> echoed = {}) {
    wire::Segment segment;
    segment.flow = {{host_address(9, GetParam()), 4000}, {host_address(2, GetParam()), kPort}};
    segment.seq = seq;
    segment.ack = ack;
    segment.flags = flags;
    segment.window = WireWindow(1000);
    if (flags.syn()) {
      segment.options.mss = Mss(1300);
      segment.options.window_scale = WindowScale(9);
      segment.options.timestamps = wire::Timestamps{7, 0};
    } else if (echoed) {
      segment.options.timestamps = wire::Timestamps{8, *echoed};
    }
    Packet packet = pool_.allocate();
    wire::build_segment(packet, {.destination = kServerMac, .source = kAttackerMac}, segment,
                        wire::Checksum::Software);
    return {packet.data(), packet.data() + packet.length()};
  }
  // The SYN goes to `from`, the ACK to `to`. Whether that one has a connection then.
  bool crosses(Node& from, Node& to) {
    from.clear();
    const auto answers = from.receive(frame(wire::kSyn, Seq(500), Seq()));
    if (answers.size() != 1 || !answers[0].options.timestamps) return false;
    answer = answers[0];
    to.clear();
    to.receive(frame(wire::kAck, Seq(501), answer.seq + 1, answer.options.timestamps->value));
    return to.connections() == 1;
  }
  app::Connection* connection(Node& node) {
    return node.stack->find({{host_address(2, GetParam()), kPort}, {host_address(9, GetParam()), 4000}});
  }

  HeapPool pool_{1, 2048};
  wire::Segment answer;
  // Started at different times, with clocks that differ.
  Node a{GetParam(), 1, 21, Instant(5000s), 0ms};
  Node b{GetParam(), 1, 22, Instant(77s), -900ms};
  Node stranger{GetParam(), 2, 23, Instant(300s), 0ms};
};

TEST_P(SharedCookies, NodesWithOneSecret_AcceptEachOthersAndNoOthers) {
  EXPECT_FALSE(crosses(a, stranger));
  EXPECT_FALSE(crosses(stranger, b));
  EXPECT_TRUE(crosses(a, b));
  EXPECT_TRUE(crosses(b, a));
}

TEST_P(SharedCookies, WhatWasNegotiated_IsKnownToTheOtherNode) {
  ASSERT_TRUE(crosses(a, b));
  const tcp::Tcb& tcb = connection(b)->tcb();
  EXPECT_EQ(tcb.hot.snd_scale.shift(), 9);
  EXPECT_EQ(tcb.hot.rcv_scale, *answer.options.window_scale);
  EXPECT_EQ(tcb.hot.mss, 1280 + (GetParam() == Family::V4 ? 0 : 20) - 12) << "the table's next below 1300";
  EXPECT_TRUE(tcb.hot.flags.timestamps);
}

// RFC 7323 §5.3: the peer has a's timestamp, and b's clock is 900 ms behind.
TEST_P(SharedCookies, TimestampsGoOnWhereTheOtherNodeWas) {
  ASSERT_TRUE(crosses(a, b));
  const app::Connection* at = connection(b);
  const auto ahead =
      static_cast<int32_t>(at->tcb().hot.ts_offset + 77'000 - answer.options.timestamps->value);
  EXPECT_GE(ahead, 0);
  EXPECT_LT(ahead, 1000);
}

TEST_P(SharedCookies, NewSecretOnOneNodeAfterTheOther_NothingIsLostMeanwhile) {
  Secrets first, both, second;
  first.issue.fill(1);
  second.issue.fill(7);
  first.shared = second.shared = true;
  both = first;
  both.accept = second.issue;
  Secrets changed = second;
  changed.accept = first.issue;
  // Every node accepts the new one before any issues by it.
  for (const Secrets& next : {both, changed, second}) {
    for (Node* node : {&a, &b}) {
      node->stack->set_secrets(next);
      EXPECT_TRUE(crosses(a, b));
      EXPECT_TRUE(crosses(b, a));
    }
  }
  EXPECT_FALSE(crosses(stranger, a));
}

INSTANTIATE_TEST_SUITE_P(Families, SharedCookies, testing::Values(Family::V4, Family::V6),
                         [](const auto& each) { return each.param == Family::V4 ? "v4" : "v6"; });

}  // namespace
}  // namespace millrace::sim::test
