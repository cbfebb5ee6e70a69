// How connections idle and end, over links that lose, repeat and reorder: megabytes after a half-close, a
// peer that vanishes, forged segments in the midst of a transfer. Each ends with nothing held.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/world.h"
#include "wire/build.h"

namespace millrace::sim::test {
namespace {

constexpr uint64_t kMegabytes = 3'000'000;

uint8_t octet_at(uint64_t position, uint8_t salt) {
  return static_cast<uint8_t>(position * 131 + (position >> 8) + salt);
}

// Sends `total` octets of a pattern, checks the other side's, and ends as it is told to.
class Party final : public app::Handler {
 public:
  Party(uint64_t octets, uint8_t ours, uint8_t theirs) : total_(octets), ours_(ours), theirs_(theirs) {}

  void on_established(app::Connection& at) override {
    connection = &at;
    pump(at);
  }
  void on_writable(app::Connection& at) override { pump(at); }
  void on_readable(app::Connection& at) override {
    while (!at.readable().empty()) {
      const auto run = at.readable();
      for (const uint8_t octet : run) sound = sound && octet == octet_at(received++, theirs_);
      at.consume(static_cast<uint32_t>(run.size()));
    }
    if (waits && received >= speak_at) {
      waits = false;
      pump(at);
    }
  }
  void on_peer_finished(app::Connection& at) override {
    peer_finished = true;
    if (!stays && finishes_last && sent_ == total_) at.close();
  }
  void on_closed(app::Connection&, app::CloseReason reason) override {
    connection = nullptr;
    end = reason;
  }

  app::Connection* connection = nullptr;
  uint64_t received = 0;
  bool sound = true;
  bool peer_finished = false;
  bool waits = false;  // says nothing before `speak_at` octets have come
  uint64_t speak_at = 0;
  bool stays = false;          // never ends anything
  bool finishes_last = false;  // close() once all is said and the peer has finished; else shutdown() at once
  std::optional<app::CloseReason> end;

 private:
  void pump(app::Connection& at) {
    std::vector<uint8_t> block(16'384);
    while (!waits && sent_ < total_) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(block.size(), total_ - sent_));
      for (size_t i = 0; i < want; ++i) block[i] = octet_at(sent_ + i, ours_);
      const uint32_t took = at.send({block.data(), want});
      sent_ += took;
      if (took < want) return;
    }
    if (stays || waits || sent_ != total_ || done_) return;
    done_ = true;
    if (!finishes_last)
      at.shutdown();
    else if (peer_finished)
      at.close();
  }

  uint64_t total_;
  uint8_t ours_;
  uint8_t theirs_;
  uint64_t sent_ = 0;
  bool done_ = false;
};

class Lifecycle : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    client_id = world.add_host("client", host_params(1));
    server_id = world.add_host("server", host_params(2));
    LinkParams link{.delay = 5ms};
    link.faults = {.loss_ppm = 3'000, .duplication_ppm = 3'000, .reordering_ppm = 10'000, .jitter = 3ms};
    world.set_links(link);
    server_end = {host_address(2, GetParam()), 80};
  }
  void TearDown() override {
    world.run_for(300s);
    for (const HostId host : {client_id, server_id}) {
      const shard::Shard::Usage usage = world.shard(host).usage();
      EXPECT_EQ(usage.connections + usage.syn_records + usage.time_wait_records + usage.timers, 0U);
      EXPECT_EQ(usage.buffer_bytes + usage.held_packets, 0U);
      EXPECT_EQ(world.outstanding_packets(host), 0U);
      EXPECT_EQ(world.shard(host).counters().tcp_illegal_transitions.value(), 0U);
    }
  }
  void begin(Party& client, Party& server, const ConnectionParams& settings = {}) {
    world.in(server_id, 0us, [&, settings] {
      world.shard(server_id).listen({.local = server_end, .connection = settings}, server, "party");
    });
    world.run_for(1ms);
    world.in(client_id, 0us, [&] {
      client.connection = world.shard(client_id)
                              .connect({.remote = server_end, .local_address = {}, .local_port = {}}, client)
                              .connection;
    });
  }
  void unplug() {
    world.link(client_id, server_id).set_params({.delay = 5ms, .faults = {.loss_ppm = 1'000'000}});
    world.link(server_id, client_id).set_params({.delay = 5ms, .faults = {.loss_ppm = 1'000'000}});
  }

  World world{11};
  HostId client_id = 0, server_id = 0;
  Endpoint server_end;
};

// Each direction ends by itself: the server says nothing before the client has said and ended everything, and
// the other way round.
TEST_P(Lifecycle, HalfCloseByTheClient_MegabytesStillFlowTheOtherWay) {
  Party client(kMegabytes, 1, 2), server(kMegabytes, 2, 1);
  server.waits = true;
  server.speak_at = kMegabytes;
  begin(client, server);
  ASSERT_TRUE(world.run_until([&] { return client.end && server.end; }, 600s));
  EXPECT_EQ(server.received, kMegabytes);
  EXPECT_EQ(client.received, kMegabytes);
  EXPECT_TRUE(client.sound && server.sound);
  EXPECT_EQ(client.end, app::CloseReason::Finished);
  EXPECT_EQ(server.end, app::CloseReason::Finished);
}

TEST_P(Lifecycle, HalfCloseByTheServer_MegabytesStillFlowTheOtherWay) {
  Party client(kMegabytes, 1, 2), server(kMegabytes, 2, 1);
  client.waits = true;
  client.speak_at = kMegabytes;
  begin(client, server);
  ASSERT_TRUE(world.run_until([&] { return client.end && server.end; }, 600s));
  EXPECT_EQ(server.received, kMegabytes);
  EXPECT_EQ(client.received, kMegabytes);
  EXPECT_TRUE(client.sound && server.sound);
  EXPECT_EQ(client.end, app::CloseReason::Finished);
}

TEST_P(Lifecycle, BothWaysAtOnceAndBothClose_NothingIsLost) {
  Party client(kMegabytes, 1, 2), server(kMegabytes, 2, 1);
  begin(client, server);
  ASSERT_TRUE(world.run_until([&] { return client.end && server.end; }, 600s));
  EXPECT_TRUE(client.sound && server.sound);
  EXPECT_EQ(server.received, kMegabytes);
  EXPECT_EQ(client.received, kMegabytes);
}

TEST_P(Lifecycle, CloseAfterThePeersFin_NothingIsLost) {
  Party client(kMegabytes, 1, 2), server(kMegabytes, 2, 1);
  server.finishes_last = true;
  begin(client, server);
  ASSERT_TRUE(world.run_until([&] { return client.end && server.end; }, 600s));
  EXPECT_TRUE(client.sound && server.sound);
  EXPECT_EQ(client.received, kMegabytes);
  EXPECT_EQ(server.end, app::CloseReason::Finished);
}

// Keep-alive over a link that loses keeps what lives and finds what has gone, on the side that asks for it.
TEST_P(Lifecycle, KeepAlive_KeepsAnIdleConnectionForHoursAndFindsTheEnd) {
  Party client(10, 1, 2), server(10, 2, 1);
  client.stays = server.stays = true;
  ConnectionParams settings;
  settings.keepalive = true;
  settings.keepalive_idle = 10s;
  settings.keepalive_interval = 2s;
  settings.keepalive_probes = 5;
  begin(client, server, settings);
  world.run_for(7200s);
  ASSERT_NE(server.connection, nullptr) << "of 720 exchanges some were lost, never five in a row";
  EXPECT_GE(world.shard(server_id).counters().tcp_keepalive_probes_sent.value(), 700U);
  unplug();
  const Instant gone = world.now();
  ASSERT_TRUE(world.run_until([&] { return server.end.has_value(); }, 60s));
  // The neighbour cache may have found out first that nobody answers; it is the probes that end the
  // connection.
  EXPECT_TRUE(server.end == app::CloseReason::TimedOut || server.end == app::CloseReason::Unreachable);
  EXPECT_EQ(world.shard(server_id).counters().tcp_keepalive_timeouts.value(), 1U);
  EXPECT_LE(world.now() - gone, 10s + 5 * 2s + 100ms);
  EXPECT_NE(client.connection, nullptr) << "which had not asked";
  world.in(client_id, 0us, [&] { client.connection->abort(); });
  world.run_for(1s);
}

// An orphan does not stay when its peer has gone.
TEST_P(Lifecycle, PeerVanishesInFinWait2_TheOrphanGoes) {
  Party client(10, 1, 2), server(10, 2, 1);
  client.stays = server.stays = true;
  begin(client, server);
  world.run_for(2s);
  ASSERT_NE(client.connection, nullptr);
  world.in(client_id, 0us, [&] { client.connection->close(); });
  ASSERT_TRUE(world.run_until(
      [&] { return client.connection != nullptr && client.connection->state() == tcp::State::FinWait2; },
      10s));
  EXPECT_TRUE(world.run_until([&] { return client.end.has_value(); }, 70s));
  EXPECT_EQ(client.end, app::CloseReason::TimedOut);
  world.in(server_id, 0us, [&] { server.connection->abort(); });
  world.run_for(1s);
}

// RFC 5961: thousands of forged segments beside a transfer change neither its octets nor its end.
TEST_P(Lifecycle, ForgedSegmentsBesideATransfer_ChangeNothing) {
  Party client(kMegabytes, 1, 2), server(kMegabytes, 2, 1);
  begin(client, server);
  SeededEntropy entropy(5);
  HeapPool pool(1, 2048);
  int forged = 0;
  const Instant patience = world.now() + 600s;
  while (!(client.end && server.end) && world.now() < patience) {
    world.run_for(1ms);
    if (client.connection == nullptr || server.connection == nullptr || forged >= 5000) continue;
    Packet packet = pool.allocate();
    const uint32_t headers = wire::tcp_headers_length(GetParam(), {}, false);
    std::fill_n(packet.data() + headers, 100, uint8_t{'X'});
    const tcp::TcbHot& victim = server.connection->tcb().hot;
    wire::Segment segment;
    segment.flow = {server.connection->remote(), server.connection->local()};
    const uint64_t dice = entropy.next();
    constexpr wire::Flags kKinds[] = {wire::kRst, wire::kSyn, wire::kAck, wire::kAck | wire::kFin};
    segment.flags = kKinds[dice % 4];
    segment.window = WireWindow(static_cast<uint16_t>(dice >> 32));
    const auto place = static_cast<uint32_t>(entropy.next());
    // Near the window, in it, anywhere; never the one number that counts, and for text an impossible ACK.
    segment.seq = victim.rcv_nxt + 1 + (dice % 3 == 0 ? place : place % 100'000);
    segment.ack = victim.snd_nxt + 0x0100'0000U + place % 0x4000'0000U;
    segment.payload_length = segment.flags == wire::kAck ? 100 : 0;
    wire::build_segment(packet,
                        {.destination = host_params(2).interface.mac, .source = host_params(1).interface.mac},
                        segment, wire::Checksum::Software);
    world.forge(client_id, server_id, packet.bytes());
    ++forged;
  }
  EXPECT_GT(forged, 100);
  EXPECT_EQ(client.end, app::CloseReason::Finished);
  EXPECT_EQ(server.end, app::CloseReason::Finished);
  EXPECT_TRUE(client.sound && server.sound);
  EXPECT_EQ(server.received, kMegabytes);
  EXPECT_EQ(client.received, kMegabytes);
  EXPECT_GT(world.shard(server_id).counters().tcp_challenge_acks_sent.value(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Family, Lifecycle, testing::Values(Family::V4, Family::V6),
                         [](const auto& test) { return test.param == Family::V4 ? "v4" : "v6"; });

}  // namespace
}  // namespace millrace::sim::test
