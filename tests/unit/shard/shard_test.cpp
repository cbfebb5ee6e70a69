// What a shard shows of itself and how it stops; its protocol is tests/conformance's and tests/sim's.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/world.h"

namespace millrace::shard {
namespace {

class Greeter final : public app::Handler {
 public:
  void on_established(app::Connection& connection) override {
    open.push_back(&connection);
    if (speaks) connection.send(kHello);
  }
  void on_readable(app::Connection& connection) override {
    received += connection.readable_bytes();
    connection.consume(connection.readable_bytes());
  }
  void on_peer_finished(app::Connection& connection) override { connection.close(); }
  void on_closed(app::Connection& connection, app::CloseReason reason) override {
    std::erase(open, &connection);
    ended.push_back(reason);
  }

  static constexpr std::array<uint8_t, 5> kHello = {'h', 'e', 'l', 'l', 'o'};
  bool speaks = false;
  uint32_t received = 0;
  std::vector<app::Connection*> open;
  std::vector<app::CloseReason> ended;
};

class ShardTest : public testing::Test {
 protected:
  ShardTest() {
    client_id = world.add_host("client", sim::host_params(1));
    ShardParams params = sim::host_params(2);
    params.memory.trace_segments = 64;
    server_id = world.add_host("server", params);
    world.set_links({.delay = 1ms});
    server_handler.speaks = true;
    EXPECT_EQ(
        server().listen({.local = {IpAddress::v4(0, 0, 0, 0), 80}, .backlog = 16}, server_handler, "greeter"),
        app::OpenError::None);
  }
  Shard& client() { return world.shard(client_id); }
  Shard& server() { return world.shard(server_id); }
  app::OpenError connect(uint16_t port = 80, std::optional<uint16_t> from = std::nullopt) {
    app::OpenError error{};
    world.at(client_id, world.now(), [this, port, from, &error] {
      error = client()
                  .connect({.remote = {sim::host_address(2, Family::V4), port},
                            .local_address = {},
                            .local_port = from},
                           client_handler)
                  .error;
    });
    world.run_for(50ms);
    return error;
  }

  sim::World world{1};
  sim::HostId client_id = 0, server_id = 0;
  Greeter client_handler, server_handler;
};

TEST_F(ShardTest, Trace_ShowsEverySegmentOnceWithTheStates) {
  connect();
  client_handler.open.at(0)->close();
  world.run_for(100ms);
  std::vector<std::string> seen;
  for (const TraceRow& row : server().trace(100))
    seen.push_back(std::string(row.sent ? "sent " : "got ") + std::to_string(row.segment.flags.bits()) + ' ' +
                   std::string(tcp::name_of(row.after)));
  EXPECT_EQ(seen, (std::vector<std::string>{"got 2 SYN-RECEIVED", "sent 18 SYN-RECEIVED",
                                            "got 16 ESTABLISHED", "sent 24 ESTABLISHED", "got 16 ESTABLISHED",
                                            "got 17 CLOSE-WAIT", "sent 17 LAST-ACK", "got 16 CLOSED"}));
  EXPECT_EQ(server().trace(3).size(), 3U);
}

TEST_F(ShardTest, Connections_ArePagedWithoutLossOrRepetition) {
  for (int i = 0; i < 10; ++i) connect();
  std::vector<uint64_t> ids;
  uint64_t cursor = 0;
  do {
    std::vector<ConnectionRow> rows;
    cursor = server().copy_connections(cursor, 3, rows);
    EXPECT_LE(rows.size(), 3U);
    for (const ConnectionRow& row : rows) {
      ids.push_back(row.id);
      EXPECT_EQ(row.service, "greeter");
      EXPECT_EQ(row.state, tcp::State::Established);
      EXPECT_EQ(row.bytes_sent, 5U);
    }
  } while (cursor != 0);
  EXPECT_EQ(ids.size(), 10U);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST_F(ShardTest, Drain_ClosesWhatIsIdleAndRefusesWhatIsNew) {
  connect();
  server().drain(world.now());
  EXPECT_TRUE(world.run_until([this] { return server().connections() == 0; }, 5s));
  EXPECT_EQ(server_handler.ended, std::vector{app::CloseReason::Finished});
  connect();
  EXPECT_EQ(client_handler.ended.back(), app::CloseReason::Refused);
}

TEST_F(ShardTest, AbortAll_ResetsEveryPeer) {
  connect();
  connect();
  world.at(server_id, world.now(), [this] { server().abort_all(world.now()); });
  world.run_for(100ms);
  EXPECT_EQ(server().connections(), 0U);
  EXPECT_EQ(client_handler.ended, (std::vector{app::CloseReason::Reset, app::CloseReason::Reset}));
}

TEST_F(ShardTest, Listen_SaysWhatIsWrongWithTheAddress) {
  Greeter handler;
  const auto listen = [&](const IpAddress& address, uint16_t port) {
    return server().listen({.local = {address, port}, .backlog = 1}, handler, "x");
  };
  EXPECT_EQ(listen(IpAddress::v4(0, 0, 0, 0), 80), app::OpenError::AddressInUse);
  EXPECT_EQ(listen(IpAddress::v4(0, 0, 0, 0), 0), app::OpenError::BadAddress);
  EXPECT_EQ(listen(IpAddress::v4(10, 9, 9, 9), 81), app::OpenError::AddressNotOurs);
  EXPECT_EQ(listen(IpAddress::v4(224, 0, 0, 1), 81), app::OpenError::BadAddress);
}

TEST_F(ShardTest, Connect_SaysWhatIsWrong) {
  EXPECT_EQ(connect(80, uint16_t{5000}), app::OpenError::None);
  EXPECT_EQ(connect(80, uint16_t{5000}), app::OpenError::AddressInUse);
  EXPECT_EQ(connect(0), app::OpenError::BadAddress);
}

Distribution spread(const Histogram& histogram) {
  Distribution all;
  all.add(histogram);
  return all;
}
// What a value reads as.
uint64_t bound(uint64_t value) { return Histogram::bound_of(Histogram::bucket_of(value)); }

// There and back takes 2 ms; the first handshake waits for the server's link address too.
TEST_F(ShardTest, Histograms_AreOfTheLinksRoundTrip) {
  for (int i = 0; i < 4; ++i) connect();
  for (Shard* shard : {&client(), &server()}) {
    const Distribution handshakes = spread(shard->counters().tcp_handshake_time);
    EXPECT_EQ(handshakes.count, 4U);
    EXPECT_EQ(handshakes.percentile(0.5), bound(2000));
  }
  const Distribution rtt = spread(server().counters().tcp_rtt);
  EXPECT_EQ(rtt.count, 8U);  // of each the SYN-ACK and the greeting
  EXPECT_EQ(rtt.percentile(0.5), bound(2000));
  const Distribution bursts = spread(server().counters().rx_burst);
  EXPECT_EQ(bursts.sum, server().counters().rx_packets.value());
  EXPECT_GT(bursts.count, 8U);
}

// The SYN-ACK is lost: the server's time-out of 300 ms brings it again.
TEST_F(ShardTest, Histograms_OfHandshakes_HaveTheTimeOutsIn) {
  connect();
  TcpParams tcp = sim::host_params(2).tcp;
  tcp.rto_initial = 300ms;
  server().set_tcp_params(tcp);
  sim::Link& back = world.link(server_id, client_id);
  back.set_params({.delay = 1ms, .faults = {.loss_ppm = 1'000'000}});
  connect();
  back.set_params({.delay = 1ms});
  world.run_for(2s);
  for (Shard* shard : {&client(), &server()}) {
    const Distribution handshakes = spread(shard->counters().tcp_handshake_time);
    EXPECT_EQ(handshakes.count, 2U);
    EXPECT_EQ(handshakes.percentile(1), bound(302'000));
  }
}

TEST_F(ShardTest, Gauges_CountWhatIsOpen) {
  connect();
  EXPECT_EQ(server().counters().established_connections.value(), 1U);
  client_handler.open.at(0)->close();
  world.run_for(100ms);
  EXPECT_EQ(server().counters().established_connections.value(), 0U);
  EXPECT_EQ(client().counters().time_wait_records.value(), 1U);
  world.run_for(61s);
  EXPECT_EQ(client().usage().time_wait_records, 0U);
}

// A program that wants to be called every 10 ms.
class Ticker final : public app::Program {
 public:
  void run(app::Stack& stack, Instant now) override {
    EXPECT_EQ(stack.now(), now);
    if (now < next) return;
    ticks.push_back(now);
    next = ticks.size() == 5 ? kNever : now + 10ms;
  }
  Instant next_call() const override { return next; }
  Instant next{};
  std::vector<Instant> ticks;
};

TEST_F(ShardTest, ProgramWithDeadlines_IsCalledAtThemAndNoLonger) {
  Ticker ticker;
  world.run_for(1s);
  const Instant start = world.now();
  client().add_program(ticker);
  world.run_for(1s);
  ASSERT_EQ(ticker.ticks.size(), 5U);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(ticker.ticks[i], start + static_cast<int64_t>(i) * 10ms);
  EXPECT_GT(client().next_deadline(), world.now());
}

TEST_F(ShardTest, PortsToUse_AreThoseOfActiveOpens) {
  SeededEntropy entropy(3);
  client().use_ports({.first = 2000, .last = 2001}, entropy);
  EXPECT_EQ(connect(), app::OpenError::None);
  EXPECT_EQ(connect(), app::OpenError::None);
  EXPECT_EQ(connect(), app::OpenError::NoPorts);
  for (const app::Connection* connection : client_handler.open) {
    EXPECT_GE(connection->local().port, 2000);
    EXPECT_LE(connection->local().port, 2001);
  }
}

}  // namespace
}  // namespace millrace::shard
